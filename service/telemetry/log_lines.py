"""Log lines: text, or JSON with the names of OpenTelemetry's conventions.

The lines of all loggers have one form, those of libraries too. What they contain of a
client is decided where they are logged: here are neither requests nor replies.
"""

import logging
import os
import time
import traceback
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import msgspec
from msgspec import field
from msgspec.structs import asdict

from service.telemetry.conventions import OTHER_METHOD

#: Names that OpenTelemetry gives to the levels of Python.
SEVERITIES = {
    logging.DEBUG: "DEBUG",
    logging.INFO: "INFO",
    logging.WARNING: "WARN",
    logging.ERROR: "ERROR",
    logging.CRITICAL: "FATAL",
}

#: The logger of the lines of requests.
ACCESS_LOGGER = "service.access"

#: In text lines, what a request does not have.
NONE = "-"


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a line belongs to."""

    request_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None


NO_CONTEXT = Context()


class Origin(NamedTuple):
    """Which service writes a line: `service.name` and `service.instance.id`."""

    service: str
    instance: str


class Access(msgspec.Struct, kw_only=True):
    """A request that was answered.

    :ivar method: None: one that does not exist
    :ivar route: the template; None: there is no such route
    :ivar size: bytes of the reply's body
    :ivar duration: in seconds
    :ivar client: its address
    :ivar user: of the caller, whose token has been verified
    :ivar error: the code of the problem
    :ivar keys: the number of keys that it touched
    """

    method: str | None
    route: str | None
    version: tuple[int, int]
    status: int
    size: int
    duration: float
    client: str | None
    user: str | None = None
    error: str | None = None
    keys: int | None = None
    revision: int | None = None


class LineFormat(ABC):
    """Lines as bytes, each with its end."""

    @abstractmethod
    def message(self, record: logging.LogRecord, context: Context) -> bytes:
        """The line of a message; in text, the lines of its traceback follow."""

    @abstractmethod
    def access(self, access: Access, context: Context) -> bytes:
        """The line of a request."""


class TimeFormat:
    """The form of a time; the text of each second is made once."""

    def __init__(self, form: str, convert: Callable[[float], time.struct_time]) -> None:
        self._form = form
        self._convert = convert
        self._last = -1, ""

    def format(self, seconds: int) -> str:
        known, text = self._last
        if known != seconds:
            text = time.strftime(self._form, self._convert(seconds))
            self._last = seconds, text
        return text


class TextFormat(LineFormat):
    """Lines for people: time, level, logger, message, and the context at the end."""

    def __init__(self) -> None:
        self._formatter = logging.Formatter()
        self._time_format = TimeFormat("%Y-%m-%d %H:%M:%S", time.localtime)

    def message(self, record: logging.LogRecord, context: Context) -> bytes:
        text = self._line(
            record.created,
            record.levelname,
            record.name,
            _escaped(record.getMessage()),
            _fields_of(context),
        )
        if record.exc_info and record.exc_info[0] is not None:
            lines = self._formatter.formatException(record.exc_info).split("\n")
            text += "".join(f"{_escaped(line)}\n" for line in lines)
        return text.encode(errors="backslashreplace")

    def access(self, access: Access, context: Context) -> bytes:
        major, minor = access.version
        message = (
            f'{access.client or NONE} "{access.method or NONE} {access.route or NONE}'
            f' HTTP/{major}.{minor}" {access.status} {access.size}'
            f" {access.duration:.6f}"
        )
        fields = ""
        if access.user is not None:
            fields += f" user={_quoted(access.user)}"
        if access.error is not None:
            fields += f" error={access.error}"
        if access.keys is not None:
            fields += f" keys={access.keys}"
        if access.revision is not None:
            fields += f" revision={access.revision}"
        text = self._line(
            time.time(),
            "INFO",
            ACCESS_LOGGER,
            message,
            fields + _fields_of(context),
        )
        return text.encode(errors="backslashreplace")

    def _line(
        self,
        seconds: float,
        level: str,
        logger: str,
        message: str,
        fields: str,
    ) -> str:
        whole = int(seconds)
        second = self._time_format.format(whole)
        milliseconds = int((seconds - whole) * 1000)
        return f"{second},{milliseconds:03} {level} {logger}: {message}{fields}\n"


class _JsonLine(msgspec.Struct, kw_only=True, omit_defaults=True):
    timestamp: str
    severity: str
    logger: str
    message: str
    service_name: str = field(name="service.name")
    service_instance_id: str = field(name="service.instance.id")
    process_pid: int | None = field(name="process.pid")
    trace_id: str | None = None
    span_id: str | None = None
    request_id: str | None = None


class _JsonMessage(_JsonLine, kw_only=True, omit_defaults=True):
    exception_type: str | None = field(name="exception.type", default=None)
    exception_message: str | None = field(name="exception.message", default=None)
    exception_stacktrace: str | None = field(name="exception.stacktrace", default=None)


class _JsonAccess(_JsonLine, kw_only=True, omit_defaults=True):
    method: str = field(name="http.request.method")
    route: str | None = field(name="http.route", default=None)
    version: str = field(name="network.protocol.version")
    status: int = field(name="http.response.status_code")
    size: int = field(name="http.response.body.size")
    duration: float
    client: str | None = field(name="client.address", default=None)
    user: str | None = field(name="user.name", default=None)
    error: str | None = field(name="error.type", default=None)
    keys: int | None = field(name="kv.keys", default=None)
    revision: int | None = field(name="kv.revision", default=None)


class JsonFormat(LineFormat):
    """Lines for programs: an object each, with OpenTelemetry's names."""

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._encode = msgspec.json.Encoder().encode
        self._time_format = TimeFormat("%Y-%m-%dT%H:%M:%S", time.gmtime)

    def message(self, record: logging.LogRecord, context: Context) -> bytes:
        kind = error = None
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, _ = record.exc_info
        service, instance = self._origin
        return self._line(
            _JsonMessage(
                timestamp=self._timestamp(record.created),
                severity=SEVERITIES.get(record.levelno, record.levelname),
                logger=record.name,
                message=record.getMessage(),
                service_name=service,
                service_instance_id=instance,
                process_pid=record.process,
                trace_id=context.trace_id,
                span_id=context.span_id,
                request_id=context.request_id,
                exception_type=None if kind is None else _name(kind),
                exception_message=None if error is None else str(error),
                exception_stacktrace=None
                if error is None
                else "".join(traceback.format_exception(error)),
            )
        )

    def access(self, access: Access, context: Context) -> bytes:
        service, instance = self._origin
        major, minor = access.version
        method = access.method or OTHER_METHOD
        return self._line(
            _JsonAccess(
                timestamp=self._timestamp(time.time()),
                severity="INFO",
                logger=ACCESS_LOGGER,
                message=f"{method} {access.route or NONE} {access.status}",
                service_name=service,
                service_instance_id=instance,
                process_pid=os.getpid(),
                trace_id=context.trace_id,
                span_id=context.span_id,
                request_id=context.request_id,
                method=method,
                route=access.route,
                version=f"{major}.{minor}",
                status=access.status,
                size=access.size,
                duration=round(access.duration, 6),
                client=access.client,
                user=access.user,
                error=access.error,
                keys=access.keys,
                revision=access.revision,
            )
        )

    def _line(self, line: _JsonLine) -> bytes:
        try:
            return self._encode(line) + b"\n"
        except UnicodeEncodeError:  # half of a surrogate pair, in a path for example
            valid: dict[str, Any] = {
                name: _encodable(value) if isinstance(value, str) else value
                for name, value in asdict(line).items()
            }
            return self._encode(type(line)(**valid)) + b"\n"

    def _timestamp(self, seconds: float) -> str:
        """RFC 3339, in microseconds and UTC."""
        whole = int(seconds)
        microseconds = int((seconds - whole) * 1_000_000)
        return f"{self._time_format.format(whole)}.{microseconds:06}Z"


def _fields_of(context: Context) -> str:
    fields = "" if context.request_id is None else f" request_id={context.request_id}"
    if context.trace_id is not None:
        fields += f" trace_id={context.trace_id} span_id={context.span_id}"
    return fields


def _name(kind: type[BaseException]) -> str:
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"


def _escaped(text: str) -> str:
    """The text in one line, and without codes that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode-escape").decode()
        for char in text
    )


def _quoted(text: str) -> str:
    return msgspec.json.encode(_encodable(text)).decode()


def _encodable(text: str) -> str:
    return text.encode(errors="backslashreplace").decode()
