"""The history of a key: its changes, the newest first."""

from collections.abc import Iterator

from aiohttp import web

from service.api.batches import MAX_PAGE
from service.api.context import ADMISSION, SETTINGS, STORAGE
from service.api.parsing.queries import parse_history_query
from service.api.touched_keys import note_touched
from service.auth.tokens import caller_of
from service.json_text import encoded
from service.model import HistoryEntry, HistoryPage
from service.sizes import SMALL
from service.web.reservation import reserve
from service.web.responses import spliced_reply

#: Decimal places of a time: milliseconds.
PLACES = 3


async def list_changes(request: web.Request) -> web.Response:
    settings = request.app[SETTINGS]
    query = parse_history_query(request.rel_url.raw_query_string, settings)
    size = min(
        MAX_PAGE, settings.max_body, max(SMALL, request.app[ADMISSION].available)
    )
    reserve(request, size)
    page = await request.app[STORAGE].history.page(
        caller_of(request),
        query.key,
        query.before,
        query.limit,
        size,
        shows_authors=settings.history_authors == "all",
    )
    note_touched(request, ("read", 1))
    return spliced_reply([*_page(page)])


def _page(page: HistoryPage) -> Iterator[str]:
    yield '{"changes":['
    comma = ""
    for entry in page.entries:
        yield f"{comma}{_beginning(entry)}"
        if entry.value is not None:
            yield from (',"value":', entry.value, "}")
        else:
            yield f',"{entry.cause}":true}}'
        comma = ","
    yield f'],"oldest":{page.oldest},"next":{encoded(page.next)}}}'


def _beginning(entry: HistoryEntry) -> str:
    at = None if entry.at is None else round(entry.at, PLACES)
    return f'{{"revision":{entry.revision},"at":{encoded(at)},"by":{encoded(entry.by)}'
