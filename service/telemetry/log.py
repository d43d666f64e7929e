"""The logs of a process: what is written to them, in which form and where."""

import logging
import socket
from typing import Self

from service.errors import StartError
from service.settings import Settings
from service.telemetry.audit import AuditLog
from service.telemetry.conventions import SERVICE_NAME
from service.telemetry.json_lines import JsonFormat, Origin
from service.telemetry.log_lines import NO_CONTEXT, Access, Context, LineFormat
from service.telemetry.log_output import STDOUT, LogOutput
from service.telemetry.request_ids import current_request_id
from service.telemetry.text_lines import TextFormat
from service.telemetry.tracing import current_trace

log = logging.getLogger(__name__)


class Log:
    """The log of this process: of its messages and of the requests that it answers.

    :param stdout: the descriptor that stdout has in this process
    :ivar audit: the audit log; None: it is not enabled
    """

    def __init__(self, settings: Settings, stdout: int = STDOUT) -> None:
        """:raises StartError: the file cannot be opened"""
        try:
            self._output = LogOutput(settings.log_file)
        except OSError as error:
            raise StartError(f"KV_LOG_FILE: {error}") from None
        self.audit = (
            None if settings.audit_log is None else AuditLog(settings.audit_log, stdout)
        )
        self._format = _format(settings)
        self._level = settings.log_level.upper()

    def install(self) -> Self:
        """Makes it the log of all loggers of this process."""
        logging.basicConfig(level=self._level, handlers=[self.handler()], force=True)
        logging.captureWarnings(True)
        return self

    def handler(self) -> logging.Handler:
        """A handler that writes messages to this log."""
        return _Handler(self)

    def write_message(self, record: logging.LogRecord) -> None:
        self._write(self._format.message(record, _current_context()))

    def write_access(self, access: Access, context: Context) -> None:
        self._write(self._format.access(access, context))

    def _write(self, line: bytes) -> None:
        self._output.write(line)
        if lost := self._output.take_lost():
            log.warning("%d lines of the log were lost", lost)

    def reopen(self) -> None:
        """Opens the files by name, after they have been moved; logs a failure."""
        try:
            self._output.reopen()
        except OSError as error:
            log.error("the log file was not reopened: %s", error)
        if self.audit is not None:
            self.audit.reopen()


class _Handler(logging.Handler):
    def __init__(self, to: Log) -> None:
        super().__init__()
        self._to = to

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._to.write_message(record)
        except Exception as error:
            # not logging's own handling, which shows the arguments on stderr
            record.msg = f"a message cannot be written: {type(error).__name__}"
            record.args, record.exc_info = None, None
            self._to.write_message(record)


def _format(settings: Settings) -> LineFormat:
    if settings.log_format == "text":
        return TextFormat()
    return JsonFormat(Origin(SERVICE_NAME, f"{socket.gethostname()}:{settings.port}"))


def context_of(request_id: str) -> Context:
    """What a line belongs to that the task of this request logs."""
    return Context(request_id, *current_trace())


def _current_context() -> Context:
    request_id = current_request_id()
    return NO_CONTEXT if request_id is None else context_of(request_id)
