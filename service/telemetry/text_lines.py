"""Log lines for people: text."""

import logging
import time

import msgspec

from service.telemetry.log_lines import (
    ACCESS_LOGGER,
    NONE,
    Access,
    Context,
    LineFormat,
    TimeFormat,
    encodable,
)


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


def _fields_of(context: Context) -> str:
    fields = "" if context.request_id is None else f" request_id={context.request_id}"
    if context.trace_id is not None:
        fields += f" trace_id={context.trace_id} span_id={context.span_id}"
    return fields


def _escaped(text: str) -> str:
    """The text in one line, and without codes that a terminal would obey."""
    if text.isprintable():
        return text
    return "".join(
        char if char.isprintable() else char.encode("unicode-escape").decode()
        for char in text
    )


def _quoted(text: str) -> str:
    return msgspec.json.encode(encodable(text)).decode()
