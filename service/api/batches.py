"""Requests on many keys: write, read, delete, list, increment."""

from aiohttp import web
from msgspec import UNSET

from service.api.bodies import read_body
from service.api.context import ADMISSION, SETTINGS, STORAGE
from service.api.idempotency import idempotency_of
from service.api.parsing.batch_bodies import (
    WriteRequest,
    parse_delete,
    parse_increment,
    parse_list,
    parse_read,
    parse_write,
)
from service.api.schemas import replies
from service.api.schemas.replies import SUCCESS
from service.api.sized_reads import read_details, read_stale, read_text
from service.api.touched_keys import note_touched
from service.auth.tokens import caller_of
from service.json_text import encoded, object_of
from service.model import IdempotencyKey, KeyDetails, Listing, Members
from service.sizes import MIB, SMALL
from service.web.reservation import reserve
from service.web.responses import (
    data_reply,
    json_reply,
    short_reply,
    spliced_reply,
    with_age,
)

#: Bytes of a page of a listing. A client resumes with `next`: no scan takes long.
MAX_PAGE = MIB


async def write(request: web.Request) -> web.StreamResponse:
    app = request.app
    body = await read_body(request)
    batch = parse_write(body, app[SETTINGS])
    retry = idempotency_of(request, body)
    del body  # up to megabytes: the batch has copies of the values
    if batch.ttls or batch.deleted:
        return await _write_mixed(request, batch, retry)
    revision = await app[STORAGE].put(
        caller_of(request),
        batch.keys,
        batch.values,
        conditions=batch.conditions,
        ttl=batch.ttl,
        idempotency_key=retry,
    )
    note_touched(request, ("write", len(batch.keys)))
    return short_reply(request, SUCCESS, revision)


async def _write_mixed(
    request: web.Request, batch: WriteRequest, retry: IdempotencyKey | None
) -> web.StreamResponse:
    """A write that deletes keys too, or has keys with times to live of their own."""
    revision, deleted = await request.app[STORAGE].write(
        caller_of(request),
        batch.keys,
        batch.values,
        batch.deleted,
        conditions=batch.conditions,
        ttl=batch.ttl,
        ttls=batch.ttls,
        idempotency_key=retry,
    )
    note_touched(request, ("write", len(batch.keys)), ("delete", deleted))
    return short_reply(request, SUCCESS, revision)


async def read(request: web.Request) -> web.StreamResponse:
    settings = request.app[SETTINGS]
    keys, detailed, is_stale = parse_read(await read_body(request), settings)
    if is_stale:
        return await _read_stale(request, keys, detailed)
    if detailed:
        members = await read_details(request, keys)
        note_touched(request, ("read", len(keys)))
        return spliced_reply(_detailed(keys, members))
    text = await read_text(request, keys)
    note_touched(request, ("read", len(keys)))
    return data_reply(request, text)


async def _read_stale(
    request: web.Request, keys: list[str], detailed: bool
) -> web.StreamResponse:
    age, revision, members = await read_stale(request, keys, detailed=detailed)
    note_touched(request, ("read", len(keys)))
    if detailed:
        return with_age(spliced_reply(_detailed(keys, members)), age, revision)
    return data_reply(request, members.text, revision, age)


async def delete(request: web.Request) -> web.Response:
    body = await read_body(request)
    keys, conditions = parse_delete(body, request.app[SETTINGS])
    revision, deleted = await request.app[STORAGE].delete(
        caller_of(request),
        keys,
        conditions=conditions,
        idempotency_key=idempotency_of(request, body),
    )
    note_touched(request, ("delete", deleted))
    return json_reply(f'{{"status":"success","deleted":{deleted}}}', revision)


async def list_keys(request: web.Request) -> web.Response:
    settings = request.app[SETTINGS]
    page, is_stale = parse_list(await read_body(request), settings)
    size = min(
        MAX_PAGE, settings.max_body, max(SMALL, request.app[ADMISSION].available)
    )
    reserve(request, size)
    storage = request.app[STORAGE]
    if is_stale:
        age, listing = await storage.list_stale(caller_of(request), page, size)
        note_touched(request, ("read", len(listing.keys)))
        reply = json_reply(_page(listing), compressible=True)
        return with_age(reply, age, listing.revision)
    listing = await storage.list_keys(caller_of(request), page, size)
    note_touched(request, ("read", len(listing.keys)))
    return json_reply(_page(listing), listing.revision, compressible=True)


async def increment(request: web.Request) -> web.Response:
    body = await read_body(request)
    deltas = parse_increment(body, request.app[SETTINGS])
    revision, values = await request.app[STORAGE].increment(
        caller_of(request), deltas, idempotency_key=idempotency_of(request, body)
    )
    note_touched(request, ("increment", len(deltas)))
    data = object_of(zip(deltas, values, strict=True))
    return json_reply(f'{{"data":{data}}}', revision, compressible=True)


def _page(listing: Listing) -> str:
    members = f'"keys":{encoded(listing.keys)}'
    if listing.members is not None:
        members = f'"data":{{{listing.members}}}'
    if listing.details is not None:
        shown = zip(listing.keys, map(_shown, listing.details), strict=True)
        members += f',"details":{encoded(dict(shown))}'
    if listing.prefixes is not None:
        levels = [replies.Level(*level) for level in listing.prefixes]
        members += f',"prefixes":{encoded(levels)}'
    return f'{{{members},"next":{encoded(listing.next)}}}'


def _shown(details: KeyDetails) -> replies.Details:
    ttl = UNSET if details.ttl is None else round(details.ttl, 3)
    return replies.Details(details.size, details.revision, ttl)


def _detailed(keys: list[str], members: Members) -> list[str]:
    """The parts of a reply with revisions and times to live."""
    revisions = zip(keys, members.revisions, strict=True)
    ttls = zip(keys, members.ttls, strict=True)
    return [
        '{"data":{',
        members.text,
        '},"revisions":',
        encoded({key: number for key, number in revisions if number is not None}),
        ',"ttl":',
        encoded({key: round(ttl, 3) for key, ttl in ttls if ttl is not None}),
        "}",
    ]
