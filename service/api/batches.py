"""Many keys in one call: write, read, delete, list, increment."""

from functools import partial

from aiohttp import web

from service.api import parsing
from service.api.bodies import body_alone
from service.api.context import ADMISSION, SETTINGS, STORAGE, SUCCESS
from service.api.idempotency import retry_of
from service.api.sized_reads import MAX_CALLS, expected_size, reply_of
from service.auth.tokens import CALLER
from service.json_text import encoded, members_of, object_of
from service.model import Listing, Row
from service.sizes import SMALL
from service.storage.client import FEW
from service.web.reservation import reserve
from service.web.responses import data_reply, json_reply, short_reply, spliced_reply

#: Bytes of a page of a listing: who goes on can, and so no scan crowds others out.
MAX_PAGE = 1024 * 1024


async def write(request: web.Request) -> web.StreamResponse:
    body = await body_alone(request)
    batch = parsing.parse_write(body, request.app[SETTINGS])
    retry = retry_of(request, body)
    del body  # perhaps many megabytes, of which the values are copies
    revision = await request.app[STORAGE].put(
        request[CALLER],
        batch.keys,
        batch.values,
        conditions=batch.conditions,
        ttl=batch.ttl,
        retry=retry,
    )
    return short_reply(request, SUCCESS, revision)


async def read(request: web.Request) -> web.StreamResponse:
    keys, detailed = parsing.parse_read(
        await body_alone(request), request.app[SETTINGS]
    )
    if detailed:
        ask = partial(request.app[STORAGE].get_rows, request[CALLER], keys)
        rows = await reply_of(request, expected_size(request, len(keys)), ask)
        return spliced_reply(_detailed(keys, rows))
    found = zip(keys, await _values(request, keys), strict=True)
    return data_reply(request, {key: text for key, text in found if text is not None})


async def _values(request: web.Request, keys: list[str]) -> list[str | None]:
    storage, caller = request.app[STORAGE], request[CALLER]
    if len(keys) <= FEW:
        found = await storage.get_small(caller, keys, request.app[SETTINGS].max_body)
        if not isinstance(found, int):
            return found
        size, calls = found, MAX_CALLS - 1
    else:
        size, calls = expected_size(request, len(keys)), MAX_CALLS
    return await reply_of(request, size, partial(storage.get, caller, keys), calls)


async def delete(request: web.Request) -> web.Response:
    body = await body_alone(request)
    keys, conditions = parsing.parse_delete(body, request.app[SETTINGS])
    revision, deleted = await request.app[STORAGE].delete(
        request[CALLER],
        keys,
        conditions=conditions,
        retry=retry_of(request, body),
    )
    return json_reply(f'{{"status":"success","deleted":{deleted}}}', revision)


async def list_keys(request: web.Request) -> web.Response:
    settings = request.app[SETTINGS]
    page = parsing.parse_list(await body_alone(request), settings)
    size = min(
        MAX_PAGE, settings.max_body, max(SMALL, request.app[ADMISSION].available)
    )
    reserve(request, size)
    listing = await request.app[STORAGE].list_keys(
        request[CALLER],
        page.prefix,
        page.after,
        page.limit,
        size,
        with_values=page.with_values,
    )
    return json_reply(_page(listing), listing.revision, compressible=True)


async def increment(request: web.Request) -> web.Response:
    body = await body_alone(request)
    deltas = parsing.parse_increment(body, request.app[SETTINGS])
    revision, values = await request.app[STORAGE].increment(
        request[CALLER], deltas, retry=retry_of(request, body)
    )
    data = object_of(zip(deltas, values, strict=True))
    return json_reply(f'{{"data":{data}}}', revision, compressible=True)


def _page(listing: Listing) -> str:
    found = f'"keys":{encoded(listing.keys)}'
    if listing.values is not None:
        found = f'"data":{object_of(zip(listing.keys, listing.values, strict=True))}'
    return f'{{{found},"next":{encoded(listing.next)}}}'


def _detailed(keys: list[str], rows: list[Row | None]) -> list[str]:
    found = [(key, row) for key, row in zip(keys, rows, strict=True) if row is not None]
    data = members_of((key, row.value) for key, row in found)
    revisions = encoded({key: row.revision for key, row in found})
    ttl = encoded({key: round(row.ttl, 3) for key, row in found if row.ttl is not None})
    return ['{"data":', *data, ',"revisions":', revisions, ',"ttl":', ttl, "}"]
