"""Imports: lines of any number, written in batches while they arrive.

The reply begins after the first batch: an error before it has its own status, and a
later one is the last line of the reply. Reports are dropped while the client does not
read, so that a client may read only after it has sent everything.
"""

import asyncio
import logging
import time
from collections.abc import Iterable, Mapping

import msgspec
from aiohttp import hdrs, web

from service.api.body_streams import BODY_STREAMS, BodyStream
from service.api.context import METRICS, SETTINGS, STORAGE
from service.api.parsing.import_lines import Entry, ImportLines
from service.api.parsing.queries import parse_import_query
from service.api.schemas.members import ImportMode
from service.api.touched_keys import note_touched
from service.api.transfer_lines import LF, MEDIA_TYPE
from service.auth.tokens import caller_of, expiry_of
from service.errors import (
    Internal,
    NoData,
    Problem,
    Stopping,
    TokenExpired,
    Unavailable,
    before_write,
)
from service.json_text import size_of
from service.sizes import KIB
from service.storage.transfers import EntryRefused
from service.web.connection import has_left, has_unsent, ignoring_slow_reader
from service.web.problems import body_of
from service.web.reservation import release_slot, reserve, take_slot
from service.web.responses import StreamedReply

log = logging.getLogger(__name__)

#: Entries of a batch: a transaction of some milliseconds.
MAX_BATCH = 1000

#: Bytes of the keys and values of a batch, unless one entry alone has more.
MAX_BATCH_BYTES = 256 * KIB

#: Bytes that are parsed at once: some milliseconds, if the lines are short.
PARSED_AT_ONCE = 16 * KIB

#: The part of the largest body that a batch may take: the storage accepts that body.
SHARE_OF_BODY = 1 / 4

#: Seconds between two reports.
REPORT_INTERVAL = 1.0

#: Results of an import besides the codes of problems.
COMPLETE, LEFT = "complete", "left"

HEADERS = {
    hdrs.CONTENT_TYPE: MEDIA_TYPE,
    "X-Accel-Buffering": "no",  # nginx passes each report on at once
}


async def import_lines(request: web.Request) -> web.StreamResponse:
    query = parse_import_query(request.rel_url.raw_query_string)
    transfers = request.app[STORAGE].transfers
    with request.app[BODY_STREAMS].reading(request) as stream:
        with before_write():
            since = await transfers.begin_import(caller_of(request), *query)
        return await Import(request, stream, query.mode, since).run()


class Batch:
    """Entries that are written in one transaction."""

    def __init__(self, max_keys: int, max_bytes: int) -> None:
        self._max_keys = max_keys
        self._max_bytes = max_bytes
        self.clear()

    def clear(self) -> None:
        self.keys: list[str] = []
        self.values: list[str | None] = []
        self.expiries: list[float | None] = []
        self.lines: list[int] = []
        self.size = 0

    def accepts(self, entry: Entry) -> bool:
        """Whether there is capacity for one more entry."""
        if not self.keys:
            return True
        has_capacity = len(self.keys) < self._max_keys
        return has_capacity and self.size + _size(entry) <= self._max_bytes

    def add(self, entry: Entry) -> None:
        self.keys.append(entry.key)
        self.values.append(entry.value)
        self.expiries.append(entry.expires_at)
        self.lines.append(entry.line)
        self.size += _size(entry)


def _size(entry: Entry) -> int:
    return size_of(entry.key) + (0 if entry.value is None else size_of(entry.value))


class Import:
    """An import in progress."""

    def __init__(
        self, request: web.Request, stream: BodyStream, mode: ImportMode, since: int
    ) -> None:
        """
        :param since: the revision up to which a key that is there exists
        """
        settings = request.app[SETTINGS]
        self._request = request
        self._stream = stream
        self._mode = mode
        self._since = since
        self._lines = ImportLines(settings)
        self._batch = Batch(
            min(MAX_BATCH, settings.max_keys),
            min(MAX_BATCH_BYTES, int(settings.max_body * SHARE_OF_BODY)),
        )
        self._has_begun = False  # a batch has been written
        self._written_through = 0  # the last line of the last batch
        self._written = 0
        self._skipped = 0
        self._response: StreamedReply | None = None  # None: nothing is written yet
        self._reported_at = 0.0

    async def run(self) -> web.StreamResponse:
        """Writes the lines, and replies.

        :raises Problem: nothing has been written
        """
        result = Internal.code
        try:
            problem = await self._write_lines()
            note_touched(self._request, ("write", self._written))
            result = self._result(problem)
            return await self._reply(problem)
        except ConnectionError:  # the client has left: what is written stays
            result = LEFT
            if self._response is None:
                raise
            return self._response
        finally:
            self._request.app[METRICS].imports.add(result)

    def _result(self, problem: Problem | None) -> str:
        if problem is None:
            return COMPLETE
        is_cut = has_left(self._request) and not self._request.content.is_eof()
        return LEFT if is_cut else problem.code

    async def _write_lines(self) -> Problem | None:
        """Writes the lines until an error, which it returns.

        :raises ConnectionError: the client has left
        """
        try:
            self._reserve()
            with ignoring_slow_reader(self._request):
                async for piece in self._stream.pieces():
                    for start in range(0, len(piece), PARSED_AT_ONCE):
                        part = piece[start : start + PARSED_AT_ONCE]
                        await self._write_entries(self._lines.feed(part))
                        await asyncio.sleep(0)  # others are not delayed
                await self._write_entries(self._lines.finish())
                await self._write_batch()
            self._check_end()
        except ConnectionError:
            raise
        except Problem as problem:
            return problem
        except Exception as error:
            log.error("an import failed", exc_info=error)
            return Internal()
        return None

    def _check_end(self) -> None:
        """:raises Problem: the lines are incomplete, or there are none"""
        if not self._lines.line:
            raise NoData("No data: the body has no line")
        self._written_through = self._lines.line
        self._lines.check_complete()

    async def _write_entries(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            if not self._batch.accepts(entry):
                await self._write_batch()
                await self._report()
            self._batch.add(entry)
        self._reserve()

    def _reserve(self) -> None:
        """:raises Overloaded: there is no memory for the batch or the next line"""
        size = self._stream.window + self._lines.buffered + self._batch.size
        reserve(self._request, size)

    async def _write_batch(self) -> None:
        """Writes the entries of the batch, and empties it.

        :raises Problem: none of them is written, or that is not known
        """
        request, batch = self._request, self._batch
        if not batch.keys:
            return
        if expiry_of(request) <= time.time():
            raise TokenExpired()
        await take_slot(request, batch.size)
        try:
            written, skipped = await request.app[STORAGE].transfers.import_batch(
                caller_of(request),
                batch.keys,
                batch.values,
                batch.expiries,
                self._mode,
                self._since,
            )
        except EntryRefused as refused:
            raise refused.problem_at(batch.lines[refused.position]) from None
        finally:
            release_slot(request)
        self._has_begun = True
        self._written += written
        self._skipped += skipped
        self._written_through = batch.lines[-1]
        batch.clear()

    async def _report(self) -> None:
        """Begins the reply, or continues it if the client has read what is there.

        :raises ConnectionError: the client has left
        """
        now = asyncio.get_running_loop().time()
        if self._response is None:
            await self._begin_reply()
        elif now < self._reported_at + REPORT_INTERVAL or has_unsent(self._request):
            return
        self._reported_at = now
        await self._send({"line": self._written_through, **self._totals()})

    async def _begin_reply(self) -> StreamedReply:
        self._response = response = StreamedReply(headers=HEADERS)
        await response.prepare(self._request)
        return response

    async def _reply(self, problem: Problem | None) -> web.StreamResponse:
        """Sends the last line.

        :raises Problem: it is the reply, because nothing has been written
        :raises ConnectionError: the client has left
        """
        if problem is not None:
            problem = self._explained(problem)
            if not self._has_begun:
                raise problem
        response = self._response or await self._begin_reply()
        if problem is None:
            line = self._written_through
            await self._send({"end": True, "line": line, **self._totals()})
        else:
            response.code = problem.code
            await self._send(body_of(self._request, problem))
        await response.write_eof()
        if isinstance(problem, Stopping):
            await self._stream.linger()
        return response

    def _explained(self, problem: Problem) -> Problem:
        """A problem with how far the import got, and how to continue it."""
        through, progress = self._written_through, problem.progress
        if isinstance(problem, Unavailable):
            unknown = problem.applied == "unknown"
            more = f"the lines after {through} may be written, too: " if unknown else ""
            detail = (
                f"{problem}; {more}repeat the import with since={self._since}, "
                "which is safe"
            )
            problem = type(problem)(detail, applied=problem.applied or "no")
        problem.progress = {
            "line": through,
            **progress,
            "written_through": through,
            **self._totals(),
        }
        return problem

    def _totals(self) -> dict[str, object]:
        return {
            "written": self._written,
            "skipped": self._skipped,
            "since": self._since,
        }

    async def _send(self, line: Mapping[str, object]) -> None:
        if self._response is not None:
            await self._response.write(msgspec.json.encode(line) + LF)
