"""One key as a resource: the body is the value, the ETag its revision."""

from functools import partial

from aiohttp import hdrs, web

from service.api import parsing
from service.api.bodies import body_of
from service.api.context import SETTINGS, STORAGE
from service.api.idempotency import retry_of
from service.api.preconditions import etag, if_match, if_none_match
from service.api.sized_reads import EXPECTED, reply_of
from service.auth.tokens import CALLER
from service.errors import ConditionFailed, InvalidRequest, NotFound, quoted
from service.model import Row
from service.web.responses import REVISION, json_reply

ROUTE = "/api/keys/{key:(?s:.*)}"
TTL = "KV-TTL"


async def get(request: web.Request) -> web.Response:
    key = _key(request)
    parsing.refuse_query(request.rel_url.raw_query_string)
    must_match = if_match(request, key)
    must_differ = if_none_match(request, key)
    ask = partial(request.app[STORAGE].get_rows, request[CALLER], [key])
    (row,) = await reply_of(request, EXPECTED, ask)
    if row is None:
        raise _no_such(key)
    if not all(condition.holds(row.revision) for condition in must_match):
        raise ConditionFailed({key: row.revision})
    unchanged = not all(condition.holds(row.revision) for condition in must_differ)
    return _found(row, unchanged)


async def put(request: web.Request) -> web.Response:
    key = _key(request)
    ttl = parsing.parse_put_query(request.rel_url.raw_query_string)
    body = await body_of(request)
    revision = await request.app[STORAGE].put(
        request[CALLER],
        [key],
        [parsing.parse_value(body, request.app[SETTINGS])],
        conditions=if_match(request, key) + if_none_match(request, key),
        ttl=ttl,
        idempotency_key=retry_of(request, body),
    )
    return _changed(revision)


async def delete(request: web.Request) -> web.Response:
    key = _key(request)
    parsing.refuse_query(request.rel_url.raw_query_string)
    parsing.parse_nothing(await body_of(request))
    try:
        revision, deleted = await request.app[STORAGE].delete(
            request[CALLER],
            [key],
            conditions=if_match(request, key) + if_none_match(request, key),
            idempotency_key=retry_of(request, b""),
        )
    except ConditionFailed as failed:
        if failed.conflicts[key] is None:  # it would be 404 without (section 13.2.1)
            raise _no_such(key) from None
        raise
    if not deleted:
        raise _no_such(key)
    return _changed(revision)


def _key(request: web.Request) -> str:
    """From the path as it was sent: what aiohttp decodes is not always the key."""
    if request.rel_url.raw_fragment:
        raise InvalidRequest("A # in the path must be sent as %23")
    _, _, _, key = request.rel_url.raw_path.split("/", 3)
    return parsing.parse_key(key, request.app[SETTINGS])


def _no_such(key: str) -> NotFound:
    return NotFound(f"There is no key {quoted(key)}")


def _found(row: Row, unchanged: bool) -> web.Response:
    response = web.Response(status=304) if unchanged else json_reply(row.value)
    response.headers[hdrs.ETAG] = etag(row.revision)
    response.headers[hdrs.CACHE_CONTROL] = "no-cache"  # ask every time, with the ETag
    if row.ttl is not None:
        response.headers[TTL] = f"{row.ttl:.3f}"
    return response


def _changed(revision: int) -> web.Response:
    headers = {hdrs.ETAG: etag(revision), REVISION: str(revision)}
    return web.Response(status=204, headers=headers)
