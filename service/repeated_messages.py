"""The limit on repeated log messages."""

import logging
import time
from collections.abc import Callable

#: Seconds in which the same message is logged once.
LOG_INTERVAL = 10.0

#: Messages that are remembered. Some contain numbers or addresses, so that there may be
#: any number of them; the one that was logged first is forgotten first.
MAX_REMEMBERED = 100


class _Repeated:
    __slots__ = ("logged_at", "skipped")

    def __init__(self, logged_at: float) -> None:
        self.logged_at = logged_at
        self.skipped = 0


class RepeatedMessages:
    """A logger of messages that may repeat: it logs each once in `LOG_INTERVAL`.

    The next time, the text has the number of repetitions that were not logged.
    """

    def __init__(
        self, log: logging.Logger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._clock = clock
        self._messages: dict[str, _Repeated] = {}

    def log(
        self, level: int, message: str, *args: object, topic: str | None = None
    ) -> bool:
        """Logs a message unless it repeats one; returns whether it did.

        :param topic: what makes two messages the same; None: their text
        """
        text = message % args if args else message
        topic = topic or text
        now = self._clock()
        last = self._messages.get(topic)
        if last is not None and now - last.logged_at < LOG_INTERVAL:
            last.skipped += 1
            return False
        if last is not None:
            self._messages.pop(topic, None)  # another thread may have removed it
        elif len(self._messages) >= MAX_REMEMBERED:
            del self._messages[next(iter(self._messages))]
        self._messages[topic] = _Repeated(now)
        repeated = f" ({last.skipped} more times)" if last and last.skipped else ""
        self._log.log(level, "%s%s", text, repeated)
        return True

    def forget(self) -> None:
        """Logs the next message whatever it is: the cause of the others is over."""
        self._messages.clear()
