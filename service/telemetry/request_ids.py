"""Request ids: the name of a request in its reply, in log lines and in traces."""

import itertools
import re
import secrets
from contextvars import ContextVar
from typing import Protocol

#: An id that a client may choose. It can be part of a header, a URN and a log line.
FORM = re.compile(r"[A-Za-z0-9._-]{1,128}")

#: Bytes of the random part of the ids of a process: no two processes share it.
PREFIX_BYTES = 6


class Identified(Protocol):
    """A request with its id."""

    @property
    def request_id(self) -> str: ...


#: The request that the current task answers. A task that serves several requests, or
#: outlives the one that started it, has to be created with a context of its own.
CURRENT_REQUEST: ContextVar[Identified | None] = ContextVar(
    "current_request", default=None
)


class RequestIds:
    """The ids of the requests of one process: a random prefix and a counter.

    To be created after a fork: two processes with one prefix would share their ids.
    """

    def __init__(self) -> None:
        self._prefix = secrets.token_hex(PREFIX_BYTES)
        self._numbers = itertools.count(1)

    def id_for(self, given: str | None) -> str:
        """The id that a client has given if it is valid, otherwise a new one."""
        if given is not None and FORM.fullmatch(given):
            return given
        return f"{self._prefix}-{next(self._numbers)}"


def current_request_id() -> str | None:
    """The id of the request that the current task answers, if it answers one."""
    request = CURRENT_REQUEST.get()
    return None if request is None else request.request_id


def urn_of(request_id: str) -> str:
    """The id as a URN: the member `instance` of a problem (RFC 9457)."""
    return f"urn:request:{request_id}"
