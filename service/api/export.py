"""Exports: a stream of lines, from pages that are read one after the other."""

import asyncio
import contextlib
import hashlib
import logging
import time
from collections.abc import AsyncIterator, Iterator

from aiohttp import hdrs, web

from service.api.changes import STREAM_TIMING
from service.api.context import ADMISSION, METRICS, SETTINGS, STOPPING, STORAGE
from service.api.parsing.queries import parse_export_query
from service.api.touched_keys import note_touched
from service.api.transfer_lines import (
    LF,
    MEDIA_TYPE,
    VERSION,
    Deletion,
    End,
    Header,
    Line,
    encoded,
    encoder,
    pieces_of,
    row_of,
)
from service.auth.tokens import caller_of, expiry_of
from service.errors import (
    Internal,
    NotGranted,
    Problem,
    Stopping,
    TokenExpired,
    Unavailable,
)
from service.model import ExportPage, StoredRow
from service.sizes import KIB, SMALL
from service.storage.watcher import RETRY_INTERVAL
from service.web.connection import abort_slow_reply
from service.web.problems import body_of
from service.web.reservation import release_slot, reserve, take_slot
from service.web.responses import StreamedReply
from service.web.streams import Send, sending

log = logging.getLogger(__name__)

#: Bytes of a page, with what its rows take besides their texts: a few milliseconds of
#: Tarantool's only thread, and of the event loop.
PAGE = 256 * KIB

PAGE_SIZE = web.AppKey("export_page_size", int)

#: The part of `KV_MAX_HELD` that exports may reserve: the rest is for other requests.
SHARE = 1 / 2

#: Results of an export besides the codes of problems.
COMPLETE, LEFT = "complete", "left"


async def export(request: web.Request) -> web.StreamResponse:
    prefix = parse_export_query(request.rel_url.raw_query_string, request.app[SETTINGS])
    admission = request.app[ADMISSION]
    most = int(admission.max_reserved * SHARE)
    reserve(request, min(_largest_page(request), most), SHARE)
    pages, result = Pages(request, prefix), LEFT
    try:
        await pages.read()  # an error here still sets the status
        response = StreamedReply(headers=_headers(pages.revision))
        with admission.waiting(), contextlib.suppress(ConnectionError):
            async with ended_by_stop(request), sending(request, response) as send:
                response.code = await _send_pages(pages, send)
                result = response.code or COMPLETE
        return response
    except Problem as problem:
        result = problem.code
        raise
    finally:
        request.app[METRICS].exports.add(result)


@contextlib.asynccontextmanager
async def ended_by_stop(request: web.Request) -> AsyncIterator[None]:
    """A context of a reply whose client gets little time for the rest at a stop."""

    async def end() -> None:
        await request.app[STOPPING].wait()
        await asyncio.sleep(request.app[STREAM_TIMING].end_grace)
        abort_slow_reply(request)

    task = asyncio.create_task(end())
    try:
        yield
    finally:
        task.cancel()


def _largest_page(request: web.Request) -> int:
    """Bytes: beyond its size a page may have one change and one row."""
    settings = request.app[SETTINGS]
    return request.app[PAGE_SIZE] + 2 * (settings.max_key + settings.max_value)


def _headers(revision: int) -> dict[str, str]:
    return {
        hdrs.CONTENT_TYPE: MEDIA_TYPE,
        hdrs.CONTENT_DISPOSITION: f'attachment; filename="kv-export-{revision}.ndjson"',
    }


async def _send_pages(pages: "Pages", send: Send) -> str | None:
    """Sends the pages, of which one is read, and the last line.

    Returns the code of the problem in the last line; None: the export is complete.

    :raises ConnectionError: the client has left
    """
    try:
        await _send_lines(pages, send)
        while not pages.is_complete:
            await pages.read()
            await _send_lines(pages, send)
    except ConnectionError:
        raise
    except Exception as error:
        problem = _problem(error)
        await send(encoder.encode(body_of(pages.request, problem)) + LF)
        return problem.code
    await send(encoded(pages.end()))
    return None


async def _send_lines(pages: "Pages", send: Send) -> None:
    for piece in pieces_of(pages.take_lines(), SMALL):
        pages.sha256.update(piece)
        await send(piece)
        await asyncio.sleep(0)  # a fast client does not delay the others


def _problem(error: Exception) -> Problem:
    if isinstance(error, Problem):
        return error
    log.error("an export failed", exc_info=error)
    return Internal()


class Pages:
    """The pages of one export, one in memory, and what has been sent of them.

    :ivar revision: of the last page that was read
    :ivar sha256: of the bytes that were sent, before compression
    """

    def __init__(self, request: web.Request, prefix: str) -> None:
        self.request = request
        self.sha256 = hashlib.sha256()
        self.revision = 0
        self._prefix = prefix
        self._page: ExportPage | None = None  # until it is sent
        self._position: object = None  # of the next page
        self._readable: list[str] | None = None  # the prefixes of its keys
        self._has_begun = False
        self._keys = self._changes = 0  # lines

    @property
    def is_complete(self) -> bool:
        """Whether the last page has been read."""
        return self._position is None

    async def read(self) -> None:
        """Reads the next page. Waits out an outage of the storage after the first one.

        :raises TokenExpired: the token has expired
        :raises NotGranted: the account may read other keys than before
        :raises Stopping: the service stops
        :raises Problem: as `Transfers.export_page` does, or there is no slot
        """
        clock = asyncio.get_running_loop().time
        deadline = clock() + self.request.app[SETTINGS].failover_wait
        while True:
            self._check()
            try:
                page = await self._read()
                break
            except Unavailable:
                if self._readable is None or clock() >= deadline:
                    raise
            await asyncio.sleep(RETRY_INTERVAL)
        if self._readable not in (None, page.prefixes):
            raise NotGranted("The grants of the account have changed: export again")
        self._page, self.revision = page, page.revision
        self._position, self._readable = page.next, page.prefixes

    def _check(self) -> None:
        if self.request.app[STOPPING].is_set():
            raise Stopping("The service is stopping: export again")
        if expiry_of(self.request) <= time.time():
            raise TokenExpired()

    async def _read(self) -> ExportPage:
        request, app = self.request, self.request.app
        await take_slot(request, app[PAGE_SIZE])
        try:
            return await app[STORAGE].transfers.export_page(
                caller_of(request),
                self._prefix,
                self._position,
                app[PAGE_SIZE],
                size=_largest_page(request),
            )
        finally:
            release_slot(request)

    def take_lines(self) -> Iterator[Line]:
        """The lines of the page that was read, which count as sent."""
        page, self._page = self._page, None
        if page is None:
            return
        if not self._has_begun:
            self._has_begun = True
            yield Header(VERSION, page.revision, self._prefix, page.now)
        yield from map(_line, page.changes)
        yield from map(_line, page.rows)
        self._changes += len(page.changes)
        self._keys += len(page.rows)
        note_touched(self.request, ("read", self._keys + self._changes))

    def end(self) -> End:
        """The last line."""
        return End(
            True, self.revision, self._keys, self._changes, self.sha256.hexdigest()
        )


def _line(row: StoredRow) -> Line:
    if row.value is None:
        return Deletion(row.key, True, row.revision)
    return row_of(row.key, row.value, row.revision, row.expires_at)
