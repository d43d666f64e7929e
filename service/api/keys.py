"""One key as a resource: the body is its value, the entity tag its revision."""

from collections.abc import Mapping
from functools import partial

from aiohttp import hdrs, web

from service.api.bodies import read_body
from service.api.context import SETTINGS, STORAGE
from service.api.idempotency import idempotency_of
from service.api.parsing.account_bodies import parse_nothing
from service.api.parsing.keys import parse_key
from service.api.parsing.queries import parse_key_query, parse_put_query
from service.api.parsing.values import parse_value
from service.api.preconditions import etag, if_match, if_none_match
from service.api.sized_reads import EXPECTED, read_details, read_stale, sized_read
from service.api.touched_keys import note_touched
from service.auth.tokens import caller_of
from service.errors import ConditionFailed, InvalidRequest, NotFound, quoted
from service.json_text import value_of
from service.model import Members, Row
from service.web.headers import KV_REVISION, KV_TTL, age_headers
from service.web.responses import json_reply


async def get(request: web.Request) -> web.Response:
    key = _key(request)
    query = parse_key_query(request.rel_url.raw_query_string)
    must_match = if_match(request, key)
    must_differ = if_none_match(request, key)
    headers: Mapping[str, str] = {}
    if query.is_stale:
        row, headers = await _stale_row(request, key)
    elif query.revision is not None:
        row = await _row_at(request, key, query.revision)
    else:
        row = _row(await read_details(request, [key]))
    note_touched(request, ("read", 1))
    if row is None:
        raise _not_found(key, headers)
    if not all(condition.holds(row.revision) for condition in must_match):
        raise ConditionFailed({key: row.revision})
    unchanged = not all(condition.holds(row.revision) for condition in must_differ)
    return _value_reply(row, unchanged, headers)


async def put(request: web.Request) -> web.Response:
    key = _key(request)
    ttl = parse_put_query(request.rel_url.raw_query_string)
    body = await read_body(request, has_query=True)
    revision = await request.app[STORAGE].put(
        caller_of(request),
        [key],
        [parse_value(body, request.app[SETTINGS])],
        conditions=if_match(request, key) + if_none_match(request, key),
        ttl=ttl,
        idempotency_key=idempotency_of(request, body),
    )
    note_touched(request, ("write", 1))
    return _revision_reply(revision)


async def delete(request: web.Request) -> web.Response:
    key = _key(request)
    parse_nothing(await read_body(request))
    conditions = if_match(request, key) + if_none_match(request, key)
    idempotency_key = idempotency_of(request, b"")
    try:
        revision, deleted = await request.app[STORAGE].delete(
            caller_of(request),
            [key],
            conditions=conditions,
            idempotency_key=idempotency_key,
        )
    except ConditionFailed as failed:
        # without a key it is 404, as without conditions (RFC 9110, section 13.2.1)
        if failed.conflicts[key] is not None:
            raise
        deleted = 0
    if not deleted:
        raise _not_found(key)
    note_touched(request, ("delete", 1))
    return _revision_reply(revision)


def _key(request: web.Request) -> str:
    """The key of the path as it was sent: aiohttp's decoded path may differ."""
    if request.rel_url.raw_fragment:
        raise InvalidRequest("A # in the path must be sent as %23")
    _, _, _, key = request.rel_url.raw_path.split("/", 3)
    return parse_key(key, request.app[SETTINGS])


async def _stale_row(
    request: web.Request, key: str
) -> tuple[Row | None, Mapping[str, str]]:
    """The row that a node has, and headers with its age."""
    age, revision, members = await read_stale(request, [key], detailed=True)
    return _row(members), age_headers(age, revision)


def _row(members: Members) -> Row | None:
    """The row of the only key."""
    revision = members.revisions[0]
    if revision is None:
        return None
    return Row(value_of(members.text), revision, members.ttls[0])


async def _row_at(request: web.Request, key: str, revision: int) -> Row | None:
    """The value of the key at a revision; its time to live is not known."""
    history = request.app[STORAGE].history
    read = partial(history.value_at, caller_of(request), key, revision)
    return await sized_read(request, EXPECTED, read)


def _not_found(key: str, headers: Mapping[str, str] | None = None) -> NotFound:
    return NotFound(f"There is no key {quoted(key)}", headers)


def _value_reply(row: Row, unchanged: bool, headers: Mapping[str, str]) -> web.Response:
    response = web.Response(status=304) if unchanged else json_reply(row.value)
    response.headers.update(headers)
    response.headers[hdrs.ETAG] = etag(row.revision)
    response.headers[hdrs.CACHE_CONTROL] = "no-cache"  # revalidate each time
    if row.ttl is not None:
        response.headers[KV_TTL] = f"{row.ttl:.3f}"
    return response


def _revision_reply(revision: int) -> web.Response:
    headers = {hdrs.ETAG: etag(revision), KV_REVISION: str(revision)}
    return web.Response(status=204, headers=headers)
