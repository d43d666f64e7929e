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
    """A logger of messages that may repeat: it logs a text once in `LOG_INTERVAL`.

    The next time, the text has the number of repetitions that were not logged.
    """

    def __init__(
        self, log: logging.Logger, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._log = log
        self._clock = clock
        self._texts: dict[str, _Repeated] = {}

    def log(self, level: int, message: str, *args: object) -> None:
        text = message % args if args else message
        now = self._clock()
        last = self._texts.get(text)
        if last is not None and now - last.logged_at < LOG_INTERVAL:
            last.skipped += 1
            return
        if last is not None:
            del self._texts[text]
        elif len(self._texts) >= MAX_REMEMBERED:
            del self._texts[next(iter(self._texts))]
        self._texts[text] = _Repeated(now)
        repeated = f" ({last.skipped} more times)" if last and last.skipped else ""
        self._log.log(level, "%s%s", text, repeated)

    def forget(self) -> None:
        """Logs the next message whatever it is: the cause of the others is over."""
        self._texts.clear()
