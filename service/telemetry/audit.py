"""The audit log: changes of accounts and tokens, and calls of administrators.

A line is a JSON object. It names accounts, and access tokens by their ids: neither
passwords, tokens, keys nor values.
"""

import logging
import time
from pathlib import Path
from typing import Final

import msgspec
from msgspec import field

from service.errors import StartError
from service.telemetry.json_lines import line_of
from service.telemetry.log_lines import Rfc3339
from service.telemetry.log_output import STDOUT, LogOutput

log = logging.getLogger(__name__)

#: The value of KV_AUDIT_LOG for stdout.
TO_STDOUT: Final = Path("-")

#: Only the owner may read the file.
MODE = 0o600


class Event(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A request that is audited, as its line has it.

    :ivar timestamp: of the line, which the log sets
    :ivar user: the account that calls; of a login or a sign-up, the account of the name
        that was given, if it exists
    :ivar access_token: the id of the access token that the caller has used
    :ivar client: its address
    :ivar target: another account, or the id of an access token
    :ivar changed: the members that the request changes
    :ivar outcome: `ok`, or the code of the problem
    """

    timestamp: str = ""
    request_id: str
    action: str
    user: str | None = None
    access_token: int | None = None
    client: str | None = field(name="client.address", default=None)
    target: str | int | None = None
    changed: list[str] | None = None
    outcome: str


class AuditLog:
    """The audit log of this process; each process of the service writes its own lines.

    :param stdout: the descriptor that stdout has in this process
    """

    def __init__(self, path: Path, stdout: int = STDOUT) -> None:
        """:raises StartError: the file cannot be opened"""
        self._path = path
        self._times = Rfc3339()
        try:
            self._output = LogOutput(
                None if path == TO_STDOUT else path,
                stream=stdout,
                mode=MODE,
                on_failure=self._report,
            )
        except OSError as error:
            raise StartError(f"KV_AUDIT_LOG: {error}") from None

    def write(self, event: Event) -> None:
        """Writes a line. A failure does not fail the request: the log reports it."""
        event.timestamp = self._times.format(time.time())
        self._output.write(line_of(event))
        if lost := self._output.take_lost():
            log.error("%d lines of the audit log were lost", lost)

    def reopen(self) -> None:
        """Opens the file by its name, after it has been moved; logs a failure."""
        try:
            self._output.reopen()
        except OSError as error:
            log.error("the audit log was not reopened: %s", error)

    def _report(self, error: OSError) -> None:
        log.error("the audit log %s cannot be written: %s", self._path, error.strerror)
