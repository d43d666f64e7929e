"""The change feed: as a long poll, or as a stream of events."""

import asyncio
import logging
import time

import msgspec
from aiohttp import hdrs, web

from service.api import sse
from service.api.context import ADMISSION, FEED, SETTINGS
from service.api.parsing.queries import parse_changes_query
from service.api.sse import EVENT_STREAM, LAST_EVENT_ID, accepts_events
from service.auth.tokens import CALLER, EXPIRES_AT
from service.errors import (
    Internal,
    Problem,
    TokenExpired,
    TooSlow,
)
from service.model import Change
from service.storage.watcher import Watcher
from service.web.connection import disable_slow_reader_check, has_left
from service.web.reservation import reserve
from service.web.responses import json_reply

log = logging.getLogger(__name__)

#: Seconds between checks whether the client of a long poll has left.
CHECK_INTERVAL = 1.0

HEADERS = {
    hdrs.CONTENT_TYPE: EVENT_STREAM,
    hdrs.CACHE_CONTROL: "no-store, no-transform",
    "X-Accel-Buffering": "no",  # nginx passes each event on at once
}


class StreamTiming(msgspec.Struct, frozen=True, kw_only=True):
    """The intervals and timeouts of a stream, in seconds."""

    #: Between heartbeats: proxies close a connection that is silent for a minute.
    heartbeat: float = 15.0

    #: A client may take this long to receive a piece of an event.
    send_timeout: float = 30.0

    #: A client may take this long to receive the rest of an event and the last one.
    end_grace: float = 1.0


STREAM_TIMING = web.AppKey("stream_timing", StreamTiming)


async def changes(request: web.Request) -> web.StreamResponse:
    # a client that has seen no event yet may send an empty one
    last_event_id = request.headers.get(LAST_EVENT_ID, "").strip(" \t") or None
    query = parse_changes_query(
        request.rel_url.raw_query_string, last_event_id, request.app[SETTINGS]
    )
    watched = request.app[FEED].watch(request[CALLER], query.since, query.prefix)
    load = request.app[ADMISSION]
    with load.watching(), watched as watcher:
        if accepts_events(request):
            return await _stream(request, watcher)
        return await _poll(request, watcher, min(query.wait, load.max_poll))


async def _poll(request: web.Request, watcher: Watcher, wait: float) -> web.Response:
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait
    found = await watcher.next(0)
    while not found and clock() < deadline and not has_left(request):
        found = await watcher.next(min(CHECK_INTERVAL, deadline - clock()))
    elements = ",".join(map(sse.change_json, found))
    reserve(request, len(elements))
    return json_reply(
        f'{{"changes":[{elements}],"revision":{watcher.position}}}', compressible=True
    )


async def _stream(request: web.Request, watcher: Watcher) -> web.StreamResponse:
    found = await watcher.next(0)  # an error here still sets the status
    response = web.StreamResponse(headers=HEADERS)
    disable_slow_reader_check(request, on_left=lambda: watcher.end(TooSlow()))
    response.force_close()  # the connection may be aborted
    end_grace = request.app[STREAM_TIMING].end_grace
    loop = asyncio.get_running_loop()
    watcher.on_end = lambda: loop.call_later(end_grace, _abort, request)
    try:
        await response.prepare(request)
        await _send_events(request, response, watcher, found)
    except TimeoutError:
        _abort(request)
    except ConnectionError:
        pass  # the client has left
    return response


async def _send_events(
    request: web.Request,
    response: web.StreamResponse,
    watcher: Watcher,
    found: list[Change],
) -> None:
    """Sends changes until the client leaves, or until an error, which is sent too.

    :param found: the first changes
    :raises ConnectionError: the client has left
    :raises TimeoutError: the client is too slow
    """
    while not has_left(request):
        await _send_changes(request, response, watcher, found)
        try:
            found = await watcher.next(_time_to_wait(request))
        except Exception as error:
            await _send(request, response, sse.end(request, _problem(error)))
            return


async def _send_changes(
    request: web.Request,
    response: web.StreamResponse,
    watcher: Watcher,
    found: list[Change],
) -> None:
    if not found:
        await _send(request, response, sse.heartbeat(watcher.position))
    for pieces in sse.events(found):
        for piece in pieces:
            await _send(request, response, piece)
            await asyncio.sleep(0)  # a fast client does not delay the others
        if watcher.has_ended:
            return


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    log.error("a stream of changes failed", exc_info=error)
    return Internal()


def _time_to_wait(request: web.Request) -> float:
    """Seconds until the next heartbeat, or until the token expires.

    :raises TokenExpired: it has expired
    """
    left = request[EXPIRES_AT] - time.time()
    if left <= 0:
        raise TokenExpired()
    return min(request.app[STREAM_TIMING].heartbeat, left)


async def _send(
    request: web.Request, response: web.StreamResponse, piece: bytes
) -> None:
    """Sends a piece of the stream.

    :raises ConnectionError: the client has left
    :raises TimeoutError: the client is too slow
    """
    async with asyncio.timeout(request.app[STREAM_TIMING].send_timeout):
        await response.write(piece)


def _abort(request: web.Request) -> None:
    if request.transport is not None:
        request.transport.abort()
