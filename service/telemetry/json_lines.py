"""Log lines for programs: JSON with the names of OpenTelemetry's conventions."""

import logging
import os
import time
import traceback
from typing import Any, NamedTuple

import msgspec
from msgspec import field
from msgspec.structs import asdict

from service.telemetry.conventions import OTHER_METHOD
from service.telemetry.log_lines import (
    ACCESS_LOGGER,
    NONE,
    Access,
    Context,
    LineFormat,
    Rfc3339,
    encodable,
)

#: Names that OpenTelemetry gives to the levels of Python.
SEVERITIES = {
    logging.DEBUG: "DEBUG",
    logging.INFO: "INFO",
    logging.WARNING: "WARN",
    logging.ERROR: "ERROR",
    logging.CRITICAL: "FATAL",
}

_encode = msgspec.json.Encoder().encode


class Origin(NamedTuple):
    """Which service writes a line: `service.name` and `service.instance.id`."""

    service: str
    instance: str


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
        self._times = Rfc3339()

    def message(self, record: logging.LogRecord, context: Context) -> bytes:
        kind = error = None
        if record.exc_info and record.exc_info[0] is not None:
            kind, error, _ = record.exc_info
        service, instance = self._origin
        return line_of(
            _JsonMessage(
                timestamp=self._times.format(record.created),
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
        return line_of(
            _JsonAccess(
                timestamp=self._times.format(time.time()),
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


def line_of(members: msgspec.Struct) -> bytes:
    """An object as a line; halves of surrogate pairs are escaped."""
    try:
        return _encode(members) + b"\n"
    except UnicodeEncodeError:
        valid: dict[str, Any] = {
            name: encodable(value) if isinstance(value, str) else value
            for name, value in asdict(members).items()
        }
        return _encode(type(members)(**valid)) + b"\n"


def _name(kind: type[BaseException]) -> str:
    if kind.__module__ == "builtins":
        return kind.__qualname__
    return f"{kind.__module__}.{kind.__qualname__}"
