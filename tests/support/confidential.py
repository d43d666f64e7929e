"""Confidential strings of the tests, and the search for them in logs."""

import contextlib
import itertools
import logging
import re
from collections.abc import Iterator
from pathlib import Path

from service.settings import Settings
from service.telemetry.log import Log

#: What ends each name of `unique`: of keys, accounts, passwords and so on. And how a
#: token, a ticket and an access token begin; the hash of the last has more such digits.
CONFIDENTIAL = re.compile(r"[0-9a-f]{32}|eyJ[A-Za-z0-9_-]{8}|kvt_[A-Za-z0-9_-]{8}")

#: What may have such strings: the name of a caller whose token has been verified, ids,
#: the account that an operator has changed on the console, and the modules of a test
#: library, one of which may block the event loop.
PERMITTED = re.compile(
    r'"(?:user\.name|request_id|trace_id)":"(?:[^"\\]|\\.)*"'
    r'|\buser="(?:[^"\\]|\\.)*"'
    r"|\b(?:request_id|trace_id)=[\w.-]+"
    r"|\bkv: audit: \w+ '(?:[^'\\]|\\.)*'"
    r"|\bhypothesis_temporary_module_[0-9a-f]+"
)


def leaks_in(log: str) -> list[str]:
    """The lines of a log that have a confidential string."""
    return [
        line
        for line in log.splitlines()
        if CONFIDENTIAL.search(PERMITTED.sub("", line))
    ]


class SuiteLogs:
    """The logs of all services in the process of the tests, in both forms."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.forms = [
            Log(
                Settings.from_env(
                    {
                        "KV_LOG_FORMAT": form,
                        "KV_LOG_FILE": str(folder / form),
                        "KV_ACCESS_LOG": "all",
                    }
                )
            )
            for form in ("text", "json")
        ]
        self._next = itertools.cycle(self.forms)

    def next(self) -> Log:
        """The log for one more service."""
        return next(self._next)

    @contextlib.contextmanager
    def with_messages(self) -> Iterator[None]:
        """Writes the messages of all loggers too."""
        root = logging.getLogger()
        handlers = [log.handler() for log in self.forms]
        for handler in handlers:
            root.addHandler(handler)
        yield
        for handler in handlers:
            root.removeHandler(handler)

    def leaks(self) -> list[str]:
        return [
            line
            for path in self._folder.iterdir()
            for line in leaks_in(path.read_text(errors="replace"))
        ]
