"""The set-up of the log, the same in every process of the service."""

import logging


def log_to_stderr() -> None:
    """Logs messages from INFO upward, each with its time, level and module."""
    logging.basicConfig(
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
