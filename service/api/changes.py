"""The change feed: as a long poll, or as a stream of events."""

import asyncio
import logging
import time

import msgspec
from aiohttp import hdrs, web

from service.api import sse
from service.api.context import ADMISSION, FEED, METRICS, SETTINGS
from service.api.parsing.queries import parse_changes_query
from service.api.sse import EVENT_STREAM, LAST_EVENT_ID, accepts_events
from service.auth.tokens import caller_of, expiry_of
from service.errors import (
    Internal,
    Problem,
    TokenExpired,
    TooSlow,
)
from service.model import Change
from service.storage.watcher import Watcher
from service.web.connection import (
    abort_slow_reply,
    disable_slow_reader_check,
    has_left,
)
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

#: Reasons of an ending besides the codes of problems: the client has closed the
#: connection; the long poll has its reply.
LEFT = "left"
ANSWERED = "answered"


class Ending:
    """The reason why a request for changes ends: the first one counts."""

    def __init__(self) -> None:
        self._reason: str | None = None

    @property
    def reason(self) -> str:
        return self._reason or LEFT

    def note(self, reason: str) -> None:
        self._reason = self._reason or reason


async def changes(request: web.Request) -> web.StreamResponse:
    # a client that has seen no event yet may send an empty one
    last_event_id = request.headers.get(LAST_EVENT_ID, "").strip(" \t") or None
    query = parse_changes_query(
        request.rel_url.raw_query_string, last_event_id, request.app[SETTINGS]
    )
    watched = request.app[FEED].watch(caller_of(request), query.since, query.prefix)
    load, metrics = request.app[ADMISSION], request.app[METRICS]
    is_stream, ending = accepts_events(request), Ending()
    with load.watching("stream" if is_stream else "poll"), watched as watcher:
        try:
            if is_stream:
                return await _stream(request, watcher, ending)
            wait = min(query.wait, load.max_poll)
            return await _poll(request, watcher, wait, ending)
        except Exception as error:
            ending.note(error.code if isinstance(error, Problem) else Internal.code)
            raise
        finally:
            metrics.watcher_endings.add(ending.reason)


async def _poll(
    request: web.Request, watcher: Watcher, wait: float, ending: Ending
) -> web.Response:
    clock = asyncio.get_running_loop().time
    deadline = clock() + wait
    found = await watcher.next(0)
    while not found and clock() < deadline and not has_left(request):
        found = await watcher.next(min(CHECK_INTERVAL, deadline - clock()))
    elements = ",".join(map(sse.change_json, found))
    reserve(request, len(elements))
    ending.note(LEFT if has_left(request) else ANSWERED)
    request.app[METRICS].watch_events_sent.add(amount=len(found))
    return json_reply(
        f'{{"changes":[{elements}],"revision":{watcher.position}}}', compressible=True
    )


async def _stream(
    request: web.Request, watcher: Watcher, ending: Ending
) -> web.StreamResponse:
    found = await watcher.next(0)  # an error here still sets the status
    response = web.StreamResponse(headers=HEADERS)
    loop, end_grace = asyncio.get_running_loop(), request.app[STREAM_TIMING].end_grace

    def on_left() -> None:
        if not watcher.has_ended:  # otherwise the service has aborted the connection
            ending.note(LEFT)
        watcher.end(TooSlow())

    def on_end(why: Problem) -> None:
        ending.note(why.code)
        loop.call_later(end_grace, abort_slow_reply, request)

    disable_slow_reader_check(request, on_left)
    response.force_close()  # the connection may be aborted
    watcher.on_end = on_end
    try:
        await response.prepare(request)
        problem = await _send_events(request, response, watcher, found)
        if problem is not None:
            ending.note(problem.code)
            await _send(request, response, sse.end(request, problem))
    except TimeoutError:
        ending.note(TooSlow.code)
        abort_slow_reply(request)
    except ConnectionError:
        pass  # the client has left
    return response


async def _send_events(
    request: web.Request,
    response: web.StreamResponse,
    watcher: Watcher,
    found: list[Change],
) -> Problem | None:
    """Sends changes until an error, which it returns, or until the client leaves.

    :param found: the first changes
    :raises ConnectionError: the client has left
    :raises TimeoutError: the client is too slow
    """
    while not has_left(request):
        await _send_changes(request, response, watcher, found)
        try:
            found = await watcher.next(_time_to_wait(request))
        except Exception as error:
            return _problem(error)
    return None


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
    request.app[METRICS].watch_events_sent.add(amount=len(found))


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    log.error("a stream of changes failed", exc_info=error)
    return Internal()


def _time_to_wait(request: web.Request) -> float:
    """Seconds until the next heartbeat, or until the token expires.

    :raises TokenExpired: it has expired
    """
    left = expiry_of(request) - time.time()
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
