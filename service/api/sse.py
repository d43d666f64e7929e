"""Changes as JSON, and as events of a `text/event-stream` (WHATWG HTML, 9.2).

A line end in a value begins another `data` line of its event: JSON has line ends only
as white space between tokens.
"""

import itertools
import re
from collections.abc import Iterable, Iterator

import msgspec
from aiohttp import hdrs, web

from service.errors import Problem
from service.json_text import encoded
from service.model import Change
from service.sizes import SMALL
from service.web.problems import body_of

EVENT_STREAM = "text/event-stream"
LAST_EVENT_ID = "Last-Event-ID"

#: An element of `Accept` that names the type, not with weight 0 (RFC 9110, 12.4.2).
ACCEPTED = re.compile(rf"\s*{EVENT_STREAM}\s*(;(?!\s*q=0(\.0*)?\s*$).*)?")

LINE_END = re.compile(r"\r\n|\r|\n")


def accepts_events(request: web.Request) -> bool:
    """Whether a client expects a stream of events."""
    accepted = ",".join(request.headers.getall(hdrs.ACCEPT, [])).lower()
    return any(map(ACCEPTED.fullmatch, accepted.split(",")))


def change_json(change: Change) -> str:
    """The JSON text of a change."""
    return "".join(_change_parts(change))


def events(changes: Iterable[Change]) -> Iterator[Iterator[bytes]]:
    """Batches of whole events, one for each change, in pieces of bounded size."""
    batch = ""
    for change in changes:
        if sum(map(len, change.texts)) > SMALL:
            yield _pieces(itertools.chain([batch], _event(change)))
            batch = ""
            continue
        batch += "".join(_event(change))
        if len(batch) >= SMALL:
            yield _pieces([batch])
            batch = ""
    yield _pieces([batch])


def _event(change: Change) -> Iterator[str]:
    yield f"id: {change.revision}\ndata: "
    for part in _change_parts(change):
        yield LINE_END.sub("\ndata: ", part)
    yield "\n\n"


def heartbeat(position: int) -> bytes:
    """A comment, and the position to resume at. Without data it is not an event."""
    return b": heartbeat\nid: %d\n\n" % position


def end(request: web.Request, why: Problem) -> bytes:
    """The last event, with the problem that ended the stream."""
    body = msgspec.json.encode(body_of(request, why))
    return b"event: end\ndata: " + body + b"\n\n"


def _change_parts(change: Change) -> Iterator[str]:
    yield f'{{"revision":{change.revision},"data":{{'
    comma = ""
    for key, value in change.written:
        yield f"{comma}{encoded(key)}:{value}"
        comma = ","
    yield '},"deleted":['
    comma = ""
    for key in change.deleted:
        yield f"{comma}{encoded(key)}"
        comma = ","
    yield "]}"


def _pieces(parts: Iterable[str]) -> Iterator[bytes]:
    buffer = bytearray()
    for part in parts:
        buffer += part.encode()
        while len(buffer) >= SMALL:
            yield bytes(buffer[:SMALL])
            del buffer[:SMALL]
    yield bytes(buffer)
