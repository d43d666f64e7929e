"""The log: its set-up in every process, and its limit on repeated reasons."""

import logging
import math
import time

#: Seconds in which the same reason is logged once.
LOG_INTERVAL = 10.0


def log_to_stderr() -> None:
    """Logs messages from INFO upward, each with its time, level and module."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )


class RecentReasons:
    """The reasons that have been logged lately, each with its time."""

    def __init__(self) -> None:
        self._logged_at: dict[str, float] = {}

    def is_due(self, reason: str) -> bool:
        """Whether to log a reason: once in `LOG_INTERVAL`. It counts as logged then."""
        now = time.monotonic()
        if now - self._logged_at.get(reason, -math.inf) < LOG_INTERVAL:
            return False
        self._logged_at[reason] = now
        return True
