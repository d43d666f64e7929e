"""Log lines: what they contain, and the interface of their two forms.

All loggers have the same lines, those of libraries too. What a line contains of a
client is decided where it is logged: here are neither requests nor replies.
"""

import logging
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

import msgspec

#: The logger of the lines of requests.
ACCESS_LOGGER = "service.access"

#: In a text, what a request does not have.
NONE = "-"


class Context(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a line belongs to."""

    request_id: str | None = None
    trace_id: str | None = None
    span_id: str | None = None


NO_CONTEXT = Context()


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


class Rfc3339:
    """Times in UTC, to the microsecond."""

    def __init__(self) -> None:
        self._seconds = TimeFormat("%Y-%m-%dT%H:%M:%S", time.gmtime)

    def format(self, seconds: float) -> str:
        whole = int(seconds)
        microseconds = int((seconds - whole) * 1_000_000)
        return f"{self._seconds.format(whole)}.{microseconds:06}Z"


def encodable(text: str) -> str:
    """The text with escapes for halves of surrogate pairs, in a path for example."""
    return text.encode(errors="backslashreplace").decode()
