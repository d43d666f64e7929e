"""What changed: a long poll, or a stream of events."""

import asyncio
import logging
import re
import time

from aiohttp import hdrs, web

from service.api import parsing, sse
from service.api.context import ADMISSION, FEED, SETTINGS, TICKETS, TOKENS
from service.auth.tokens import CALLER, EXPIRES_AT, Verified
from service.errors import (
    Internal,
    InvalidRequest,
    Problem,
    TokenExpired,
    TokenInvalid,
    TooSlow,
)
from service.model import Change
from service.storage.feed import Watcher
from service.web.connection import disable_slow_reader_check, has_left
from service.web.reservation import reserve
from service.web.responses import json_reply

log = logging.getLogger(__name__)

EVENT_STREAM = "text/event-stream"
LAST_EVENT_ID = "Last-Event-ID"

#: As one of what a client accepts, and not with a weight of none (RFC 9110, 12.4.2).
ACCEPTED = re.compile(rf"\s*{EVENT_STREAM}\s*(;(?!\s*q=0(\.0*)?\s*$).*)?")

#: Seconds: proxies give up on a connection that is silent for a minute or so.
HEARTBEAT = 15.0

#: Seconds between two looks whether the client of a long poll is still there.
LOOK_INTERVAL = 1.0

#: Seconds that a client may take for a piece of an event.
SEND_TIMEOUT = 30.0

#: Seconds that a client has to take the rest of an event, and why it was the last.
END_GRACE = 1.0

HEADERS = {
    hdrs.CONTENT_TYPE: EVENT_STREAM,
    hdrs.CACHE_CONTROL: "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx passes on what comes, as it comes
}


async def admission(request: web.Request) -> Verified:
    """By a token in the header or, for a stream, by a ticket in the query.

    :raises InvalidRequest, TokenMissing, TokenExpired, TokenInvalid:
    """
    ticket = parsing.parse_ticket(request.rel_url.raw_query_string)
    if ticket is None:
        return await request.app[TOKENS].admit(request)
    if hdrs.AUTHORIZATION in request.headers:
        raise InvalidRequest("A ticket and an Authorization header: send one of them")
    if not _wants_events(request):
        raise TokenInvalid(f"A ticket is for streams only (Accept: {EVENT_STREAM})")
    return await request.app[TICKETS].verify(ticket)


async def changes(request: web.Request) -> web.StreamResponse:
    # a client that has seen no event yet may send an empty one
    last_event_id = request.headers.get(LAST_EVENT_ID, "").strip(" \t") or None
    following = parsing.parse_changes_query(
        request.rel_url.raw_query_string, last_event_id, request.app[SETTINGS]
    )
    watched = request.app[FEED].watch(
        request[CALLER], following.since, following.prefix
    )
    admission = request.app[ADMISSION]
    with admission.watching(), watched as watcher:
        if _wants_events(request):
            return await _stream(request, watcher)
        return await _poll(request, watcher, min(following.wait, admission.max_poll))


async def _poll(request: web.Request, watcher: Watcher, wait: float) -> web.Response:
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait
    found = await watcher.next(0)
    while not found and clock() < deadline and not has_left(request):
        found = await watcher.next(min(LOOK_INTERVAL, deadline - clock()))
    elements = ",".join(map(sse.element, found))
    reserve(request, len(elements))
    return json_reply(
        f'{{"changes":[{elements}],"revision":{watcher.position}}}', compressible=True
    )


async def _stream(request: web.Request, watcher: Watcher) -> web.StreamResponse:
    found = await watcher.next(0)  # what is refused is refused before the stream begins
    response = web.StreamResponse(headers=HEADERS)
    disable_slow_reader_check(request, on_left=lambda: watcher.end(TooSlow()))
    response.force_close()  # nothing else on a connection that may be aborted
    loop = asyncio.get_running_loop()
    watcher.on_end = lambda: loop.call_later(END_GRACE, _abort, request)
    try:
        await response.prepare(request)
        while not has_left(request):
            await _send_changes(response, watcher, found)
            try:
                found = await watcher.next(_patience(request))
            except Exception as error:
                await _send(response, sse.end(_problem(error)))
                break
    except TimeoutError:
        _abort(request)
    except ConnectionError:
        pass  # the client has gone
    return response


async def _send_changes(
    response: web.StreamResponse, watcher: Watcher, found: list[Change]
) -> None:
    if not found:
        await _send(response, sse.heartbeat(watcher.position))
    for pieces in sse.events(found):
        for piece in pieces:
            await _send(response, piece)
            await asyncio.sleep(0)  # a client that takes all at once has no turn more
        if watcher.has_ended:
            return


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    log.error("a stream of changes failed", exc_info=error)
    return Internal()


def _patience(request: web.Request) -> float:
    """:raises TokenExpired:"""
    left = request[EXPIRES_AT] - time.time()
    if left <= 0:
        raise TokenExpired()
    return min(HEARTBEAT, left)


async def _send(response: web.StreamResponse, piece: bytes) -> None:
    """:raises ConnectionError, TimeoutError: nobody takes it"""
    async with asyncio.timeout(SEND_TIMEOUT):
        await response.write(piece)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()


def _wants_events(request: web.Request) -> bool:
    accepted = ",".join(request.headers.getall(hdrs.ACCEPT, [])).lower()
    return any(map(ACCEPTED.fullmatch, accepted.split(",")))
