"""One key as a resource: any key in the path, any value in the body, preconditions."""

import asyncio
import itertools
import json
from collections.abc import AsyncIterator

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, unique
from tests.support.raw_http import http, talk
from tests.support.samples import NOT_VALUES, VALUES, large_body, named
from tests.support.service import Serve
from tests.support.tarantool import Tarantool
from tests.support.verbatim import path_of, send

KEYS = [
    *("/", "//", "/a", "a/", "a/b", "a//b", "/a//b/", "keys/"),
    *(".", "..", "../x", "a/..", "a/../b", "a/./b", "../../api/keys/x", "..."),
    *("%", "%25", "a%2Fb", "a%2fb", "%zz", "%00", "a%", "+", "a+b", "a b", " ", "  "),
    *("?", "a?b=c", "a?ttl=1", "#", "a#b", "&", "a&b=c", ";", "a;b=c", "=", ":", "@"),
    *("\n", "a\r\nb: c", "\0", "a\0b", "\t", "\x7f", '"', "'", "\\", "<", "{}|^`"),
    *("é", "e\u0301", "ключ", "😀", "\u2028", "\ufeff", "\uffff", "\U0010ffff"),
    *("x" * 1024, "é" * 512, "😀" * 256, "/" * 1024),
]

#: Paths as a client may spell them, and the keys that they are.
SPELLED = [
    ("a/b", "a/b"),
    ("a%2Fb", "a/b"),
    ("a%2fb", "a/b"),
    ("/a", "/a"),
    ("%2Fa", "/a"),
    ("a//b/", "a//b/"),
    ("a%2F/b", "a//b"),
    ("a%252Fb", "a%2Fb"),
    ("a%25252Fb", "a%252Fb"),
    ("a+b", "a+b"),
    ("a%2Bb", "a+b"),
    ("a%20b", "a b"),
    ("a;b=c", "a;b=c"),
    ("a%3Bb%3Dc", "a;b=c"),
    ("a%3Fb", "a?b"),
    ("a%23b", "a#b"),
    ("a&b=c@d:e!f$g'h(i)*,", "a&b=c@d:e!f$g'h(i)*,"),
    ("..", ".."),
    ("%2e%2E", ".."),
    ("a/../b", "a/../b"),
    ("a/%2E%2E/b", "a/../b"),
    ("a/./b", "a/./b"),
    ("../read", "../read"),
    ("%61%42", "aB"),
    ("%C3%A9", "é"),
    ("%c3%a9", "é"),
    ("%EF%BB%BF", "\ufeff"),
    ('"<>\\^`{|}', '"<>\\^`{|}'),
]
ALIKE = [
    *("a/b", "a//b", "/a/b", "a/b/", "a/./b", "a/x/../b", "a%2Fb", "a%2fb", "A/b"),
    *("a b", "a+b", "a%20b", "a\0", "a", "é", "e\u0301", "\ufeffa", "a?", "a#", "a;"),
]

NOT_KEYS = {
    "empty": b"",
    "percent": b"%",
    "short-percent": b"a%2",
    "not-hexadecimal": b"%zz",
    "half-hexadecimal": b"%2g",
    "percent-percent": b"%%25",
    "Latin-1": b"%E9",
    "cut-UTF-8": b"a%E2%82",
    "overlong-UTF-8": b"%C0%AF",
    "surrogate": b"%ED%A0%80",
    "beyond-Unicode": b"%F4%90%80%80",
    "1025-bytes": b"x" * 1025,
    "1026-bytes": b"%C3%A9" * 513,
}

METHODS = ["GET", "HEAD", "PUT", "DELETE"]
NOT_A_TTL = [
    *("0", "-1", "-0.0", "0.0", "x", "", "nan", "inf", "1e400", "null", "true", "1,5"),
    *("1s", "0x10", "[1]", "3153600000.1", "%201", "1%00", "9" * 5000),
]
BAD_QUERIES = ["tll=1", "ttl=1&x=1", "ttl=1&ttl=1", "ttl", "x", "=1", "TTL=1", "if=1"]

#: Where {now} is the present revision: whether If-Match is true, and If-None-Match.
TAGS = [
    ('"{now}"', True, False),
    ('W/"{now}"', True, False),
    ("*", True, False),
    ('"x", "{now}"', True, False),
    ('"{now}","x"', True, False),
    ('"1" \t, \t"{now}" , W/"x"', True, False),
    ('"x", W/"{now}"', True, False),
    ('W/"x", W/"{now}"', True, False),
    ('W/"1"', False, True),
    ('W/"{now}0"', False, True),
    ('"0"', False, True),
    ('"x"', False, True),
    ('""', False, True),
    ('"0{now}"', False, True),
    ('"{now}.0"', False, True),
    ('"+{now}"', False, True),
    ('"{now},1"', False, True),
    ('W/"x", "a,b"', False, True),
    ('"xW/","x{now}"', False, True),
    ('"é"', False, True),
    ('"99999999999999999999999999"', False, True),
]
NOT_TAGS = [
    *("", "1", "x", "1, 2", '"1', '1"', "'1'", "W/1", 'w/"1"', 'W "1"', '"a b"'),
    *('"1" "2"', '"1";"2"', '*, "1"', '"1", *', "**", '"*" *', '"1"x', '"a"b"c"'),
]

CLIENTS = 16


@pytest.fixture(scope="module")
async def caller(service: Client) -> Client:
    """One account for all tests here."""
    return await Client(service.session, service.url).enter()


@pytest.fixture(scope="module")
async def small(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    """A client of a service with small limits."""
    limits = {"KV_MAX_BODY": "300", "KV_MAX_KEY": "64", "KV_MAX_VALUE": "8"}
    async with serve(tarantool, **limits) as client:
        yield await client.enter()


async def put(client: Client, key: str, body: str, *lines: tuple[str, str]) -> Reply:
    return await send(client, "PUT", path_of(key), body, *lines)


async def get(client: Client, key: str, *lines: tuple[str, str]) -> Reply:
    return await send(client, "GET", path_of(key), None, *lines)


async def stored(client: Client, *keys: str) -> str:
    """The text of their values as `POST /api/read` has it."""
    reply = await client.read(list(keys))
    assert reply.status == 200
    return reply.text


def object_of(key: str, text: str) -> str:
    return f'{{"data":{{{json.dumps(key, ensure_ascii=False)}:{text}}}}}'


async def kept(client: Client, text: str = '"kept"') -> tuple[str, int]:
    """A new key with a value, and its revision."""
    key = unique("key")
    reply = await put(client, key, text)
    assert reply.status == 204
    return key, reply.revision


def assert_conflict(reply: Reply, key: str, revision: int | None) -> None:
    assert_problem(reply, 412, "condition_failed")
    assert reply.json["conflicts"] == {key: revision}


# Keys


@pytest.mark.parametrize("key", KEYS, ids=ascii)
async def test_a_key_that_was_put_is_there_for_the_other_calls(
    caller: Client, key: str
) -> None:
    text = json.dumps(unique("value"))
    assert (await put(caller, key, text)).status == 204
    found = (await caller.read([key])).json
    assert found == {"data": {key: json.loads(text)}}
    assert (await get(caller, key)).text == text


@pytest.mark.parametrize("key", KEYS, ids=ascii)
async def test_a_key_that_was_written_is_a_resource(caller: Client, key: str) -> None:
    value = unique("value")
    written = await caller.write({key: value})
    found = await get(caller, key)
    assert (found.status, found.text) == (200, json.dumps(value))
    assert found.headers["ETag"] == f'"{written.revision}"'
    assert (await send(caller, "DELETE", path_of(key))).status == 204
    assert (await caller.read([key])).json == {"data": {}}
    assert_problem(await get(caller, key), 404, "not_found")


@pytest.mark.parametrize(("path", "key"), SPELLED)
async def test_a_key_may_be_spelled_in_the_path_in_more_than_one_way(
    caller: Client, path: str, key: str
) -> None:
    text = json.dumps(unique("value"))
    assert (await send(caller, "PUT", f"/api/keys/{path}", text)).status == 204
    assert (await caller.read([key])).json == {"data": {key: json.loads(text)}}
    assert (await send(caller, "GET", f"/api/keys/{path}")).text == text


@pytest.mark.parametrize(
    "prefix", ["/api/%6beys/", "/%61%70i/keys/", "http://kv/api/keys/"]
)
async def test_the_path_before_the_key_may_be_spelled_otherwise_too(
    caller: Client, prefix: str
) -> None:
    key, _ = await kept(caller)
    sent = http("GET", prefix + key, token=caller.token)
    found = await talk(caller, sent)
    assert (found.status, found.text) == (200, '"kept"')


async def test_keys_that_look_alike_are_different_resources(caller: Client) -> None:
    prefix = unique("alike")
    for number, tail in enumerate(ALIKE):
        assert (await put(caller, prefix + tail, str(number))).status == 204
    found = [(await get(caller, prefix + tail)).text for tail in ALIKE]
    assert found == [str(number) for number in range(len(ALIKE))]


@pytest.mark.parametrize("path", NOT_KEYS.values(), ids=NOT_KEYS.keys())
@pytest.mark.parametrize("method", METHODS)
async def test_what_is_no_key_is_refused(
    caller: Client, method: str, path: bytes
) -> None:
    body = "1" if method == "PUT" else None
    reply = await send(caller, method, f"/api/keys/{path.decode()}", body)
    if method == "HEAD":
        assert (reply.status, reply.text) == (400, "")
    else:
        assert_problem(reply, 400, "invalid_key")


async def test_a_refused_long_key_is_reported_with_its_length_and_the_limit(
    caller: Client, small: Client
) -> None:
    detail = assert_problem(await get(caller, "é" * 513), 400, "invalid_key")
    assert "1026 bytes" in detail
    assert "1024" in detail
    assert_problem(await get(small, "é" * 32), 404, "not_found")
    detail = assert_problem(await put(small, "é" * 32 + "x", "1"), 400, "invalid_key")
    assert "65 bytes" in detail


@pytest.mark.parametrize(
    "tail", [b"\xc3\xa9", b"\xff", b"a b", b"\x7f", b"\0"], ids=ascii
)
async def test_bytes_that_no_path_may_hold_are_refused(
    caller: Client, tail: bytes
) -> None:
    head, _, rest = http("GET", "/api/keys/", token=caller.token).partition(b" HTTP/")
    reply = await talk(caller, head + tail + b" HTTP/" + rest)
    assert_problem(reply, 400, "invalid_request")


@pytest.mark.parametrize("path", ["/api/keys", "/api/keys%2Fk", "/api//keys/k"])
@pytest.mark.parametrize("method", METHODS)
async def test_paths_next_to_the_keys_are_not_found(
    caller: Client, method: str, path: str
) -> None:
    assert (await send(caller, method, path)).status == 404


# Values


@pytest.mark.parametrize("text", VALUES, ids=lambda text: ascii(text[:30]))
async def test_a_value_comes_back_byte_for_byte(caller: Client, text: str) -> None:
    key = unique("value")
    assert (await put(caller, key, text)).status == 204
    found = await get(caller, key)
    assert (found.status, found.text) == (200, text)
    assert found.headers["Content-Type"] == "application/json; charset=utf-8"
    assert found.headers["Content-Length"] == str(len(text.encode()))
    assert await stored(caller, key) == object_of(key, text)


@pytest.mark.parametrize("text", ["[ 1 ]", "1.0", '" x "', "null"])
async def test_the_space_around_a_value_is_not_part_of_it(
    caller: Client, text: str
) -> None:
    key = unique("space")
    assert (await put(caller, key, f" \t\r\n{text}\n \r\t")).status == 204
    assert (await get(caller, key)).text == text


@named(NOT_VALUES | {"space": b" \n", "two": b"1 2"})
async def test_a_body_that_is_not_json_is_refused(caller: Client, body: bytes) -> None:
    key, revision = await kept(caller)
    reply = await send(caller, "PUT", path_of(key), body)
    assert_problem(reply, 400, "invalid_json")
    assert (await get(caller, key)).headers["ETag"] == f'"{revision}"'


async def test_a_value_too_large_is_refused(small: Client) -> None:
    key, revision = await kept(small, '"123456"')
    detail = assert_problem(await put(small, key, '"1234567"'), 413, "value_too_large")
    assert "9 bytes" in detail
    assert "limit is 8" in detail
    assert_problem(await put(small, key, " " * 301), 413, "body_too_large")
    assert (await get(small, key)).headers["ETag"] == f'"{revision}"'


@large_body
async def test_a_value_of_1_MiB_is_taken_and_one_byte_more_is_not(
    caller: Client,
) -> None:
    key, text = unique("large"), f'"{"x" * (1024 * 1024 - 2)}"'
    assert (await put(caller, key, text)).status == 204
    assert (await get(caller, key)).text == text
    assert_problem(await put(caller, key, f'{text[:-1]}x"'), 413, "value_too_large")


@pytest.mark.parametrize("body", ["{}", " { } ", "\r\n{\t}\n"], ids=ascii)
async def test_a_delete_with_an_empty_object_is_one_without_a_body(
    caller: Client, body: str
) -> None:
    key, _ = await kept(caller)
    reply = await send(caller, "DELETE", path_of(key), body)
    assert (reply.status, reply.text) == (204, "")
    again = await send(caller, "DELETE", path_of(key), body)
    assert_problem(again, 404, "not_found")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        *(("1", "invalid_request"), ("[]", "invalid_request")),
        *(("null", "invalid_request"), ('{"if": {}}', "invalid_request")),
        *(("{", "invalid_json"), ("{} {}", "invalid_json"), (" ", "invalid_json")),
    ],
)
async def test_a_delete_takes_no_other_body(
    caller: Client, body: str, code: str
) -> None:
    key, _ = await kept(caller)
    reply = await send(caller, "DELETE", path_of(key), body)
    assert_problem(reply, 400, code)
    assert (await get(caller, key)).status == 200


# Revisions and headers


async def test_an_etag_is_the_revision_of_the_last_write_of_the_key(
    caller: Client,
) -> None:
    key, first = await kept(caller)
    assert (await get(caller, key)).headers["ETag"] == f'"{first}"'
    _, other = await kept(caller)
    assert other > first
    assert (await get(caller, key)).headers["ETag"] == f'"{first}"'
    again = await put(caller, key, "1")
    assert again.headers["ETag"] == f'"{again.revision}"'
    assert again.revision > other
    written = await caller.write({key: 2, unique("other"): 2})
    assert (await get(caller, key)).headers["ETag"] == f'"{written.revision}"'


async def test_a_delete_is_a_write_with_a_revision(caller: Client) -> None:
    key, before = await kept(caller)
    reply = await send(caller, "DELETE", path_of(key))
    assert (reply.status, reply.text) == (204, "")
    assert reply.revision > before


async def test_a_missing_key_is_not_found(caller: Client) -> None:
    key = unique("missing")
    for method in ("GET", "DELETE"):
        detail = assert_problem(
            await send(caller, method, path_of(key)), 404, "not_found"
        )
        assert key in detail
    head = await send(caller, "HEAD", path_of(key))
    assert (head.status, head.text) == (404, "")


@pytest.mark.parametrize("text", ["null", '"é"', "[1,\n2]"])
async def test_head_has_the_headers_of_get_and_no_body(
    caller: Client, text: str
) -> None:
    key = unique("head")
    await send(caller, "PUT", f"{path_of(key)}?ttl=3600", text)
    whole = await get(caller, key)
    head = await send(caller, "HEAD", path_of(key))
    assert (whole.status, whole.text) == (200, text)
    assert (head.status, head.text) == (200, "")
    assert head.headers.keys() == whole.headers.keys()
    for name in head.headers.keys() - {"Date", "KV-TTL", "X-Request-Id"}:
        assert head.headers[name] == whole.headers[name]
    assert head.headers["Content-Length"] == str(len(text.encode()))


async def test_no_byte_follows_the_headers_of_a_head(caller: Client) -> None:
    key, _ = await kept(caller, "12345")
    # a body would stand before the second reply
    head = http("HEAD", path_of(key), token=caller.token)
    reply = await talk_pipelined(caller, head + http("GET", "/livez"))
    assert reply.endswith(b'{"status":"alive"}')
    assert b"12345" not in reply


async def talk_pipelined(client: Client, sent: bytes) -> bytes:
    """All bytes received until the connection is closed."""
    host, _, port = client.url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(sent)
    writer.write_eof()
    try:
        async with asyncio.timeout(10):
            return await reader.read()
    finally:
        writer.close()


async def test_no_browser_takes_a_value_for_anything_but_json(caller: Client) -> None:
    key, revision = await kept(caller, '"<script>alert(1)</script>"')
    unchanged = ("If-None-Match", f'"{revision}"')
    replies = {
        "put": await put(caller, key, "1"),
        "get": await get(caller, key),
        "head": await send(caller, "HEAD", path_of(key)),
        "get unchanged": await get(caller, key, ("If-None-Match", "*")),
        "delete": await send(caller, "DELETE", path_of(key)),
    }
    assert (await get(caller, key, unchanged)).status == 404
    statuses = {name: reply.status for name, reply in replies.items()}
    assert statuses == {
        "put": 204,
        "get": 200,
        "head": 200,
        "get unchanged": 304,
        "delete": 204,
    }
    for reply in replies.values():
        assert reply.headers["X-Content-Type-Options"] == "nosniff"
    for name in ("get", "head", "get unchanged"):
        assert replies[name].headers["Cache-Control"] == "no-cache"


@pytest.mark.parametrize("method", ["POST", "PATCH", "PURGE"])
async def test_other_methods_are_refused_with_the_allowed_ones(
    caller: Client, method: str
) -> None:
    reply = await send(caller, method, path_of("a/b"))
    assert reply.headers["Allow"] == "DELETE, GET, HEAD, OPTIONS, PUT"
    assert_problem(reply, 405, "method_not_allowed")


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("key", ["k", "%zz", ""])
async def test_a_token_is_required_before_anything_else(
    visitor: Client, method: str, key: str
) -> None:
    reply = await send(visitor, method, f"/api/keys/{key}?x=1", "x")
    if method == "HEAD":
        assert reply.status == 403
    else:
        assert_problem(reply, 403, "token_missing")


# Preconditions


@pytest.mark.parametrize(("tags", "matches", "differs"), TAGS)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("method", METHODS)
async def test_a_precondition_is_compared_with_the_revision(
    caller: Client, method: str, header: str, tags: str, matches: bool, differs: bool
) -> None:
    key, revision = await kept(caller)
    holds = matches if header == "If-Match" else differs
    body = "1" if method == "PUT" else None
    line = (header, tags.format(now=revision))
    reply = await send(caller, method, path_of(key), body, line)
    reads = method in ("GET", "HEAD")
    if holds:
        assert reply.status == (200 if reads else 204)
        return
    if reads and header == "If-None-Match":
        assert (reply.status, reply.text) == (304, "")
        assert reply.headers["ETag"] == f'"{revision}"'
    elif method == "HEAD":
        assert reply.status == 412
    else:
        assert_conflict(reply, key, revision)
    found = await get(caller, key)
    assert (found.text, found.headers["ETag"]) == ('"kept"', f'"{revision}"')


@pytest.mark.parametrize("tags", NOT_TAGS)
@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
@pytest.mark.parametrize("method", METHODS)
async def test_a_precondition_that_is_no_list_of_tags_is_refused(
    caller: Client, method: str, header: str, tags: str
) -> None:
    key, revision = await kept(caller)
    body = "1" if method == "PUT" else None
    reply = await send(caller, method, path_of(key), body, (header, tags))
    if method == "HEAD":
        assert reply.status == 400
    else:
        assert header in assert_problem(reply, 400, "invalid_request")
    assert (await get(caller, key)).headers["ETag"] == f'"{revision}"'


@pytest.mark.parametrize(
    "tags", ['"x",,"{now}"', ', "{now}"', '"{now}" ,', ',,"{now}",']
)
async def test_empty_places_in_a_list_of_tags_are_passed_over(
    caller: Client, tags: str
) -> None:
    """RFC 9110, section 5.6.1.2: a recipient must."""
    key, revision = await kept(caller)
    line = tags.format(now=revision)
    assert (await get(caller, key, ("If-None-Match", line))).status == 304
    assert (await put(caller, key, "1", ("If-Match", line))).status == 204


@pytest.mark.parametrize("header", ["If-Match", "If-None-Match"])
async def test_several_header_lines_are_one_list(caller: Client, header: str) -> None:
    key, revision = await kept(caller)
    lines = [(header, '"x"'), (header, f'"{revision}"'), (header, '"y"')]
    reply = await get(caller, key, *lines)
    assert reply.status == (200 if header == "If-Match" else 304)
    others = [line for line in lines if "x" in line[1] or "y" in line[1]]
    reply = await get(caller, key, *others)
    assert reply.status == (412 if header == "If-Match" else 200)


@pytest.mark.parametrize(
    ("match", "none_match", "status"),
    [
        ('"{now}"', '"x"', 204),
        ("*", '"x"', 204),
        ('"x"', '"x"', 412),
        ('"{now}"', '"{now}"', 412),
        ("*", "*", 412),
    ],
)
async def test_both_preconditions_must_hold(
    caller: Client, match: str, none_match: str, status: int
) -> None:
    key, now = await kept(caller)
    lines = [
        ("If-Match", match.format(now=now)),
        ("If-None-Match", none_match.format(now=now)),
    ]
    assert (await put(caller, key, "1", *lines)).status == status


async def test_if_match_comes_first(caller: Client) -> None:
    """RFC 9110, section 13.2.2"""
    key, _ = await kept(caller)
    lines = ("If-Match", '"x"'), ("If-None-Match", "*")
    assert (await get(caller, key, *lines)).status == 412


async def test_a_put_can_be_made_to_create_only(caller: Client) -> None:
    key, create = unique("created"), ("If-None-Match", "*")
    first = await put(caller, key, "1", create)
    assert first.status == 204
    again = await put(caller, key, "2", create)
    assert_conflict(again, key, first.revision)
    assert (await get(caller, key)).text == "1"
    assert (await send(caller, "DELETE", path_of(key))).status == 204
    assert (await put(caller, key, "3", create)).status == 204


@pytest.mark.parametrize("tags", ["*", '"1"', '"x", "y"'])
async def test_a_put_can_be_made_to_replace_only(caller: Client, tags: str) -> None:
    key = unique("missing")
    assert_conflict(await put(caller, key, "1", ("If-Match", tags)), key, None)
    assert_problem(await get(caller, key), 404, "not_found")


@pytest.mark.parametrize(
    "line",
    [
        ("If-Match", "*"),
        ("If-Match", '"1"'),
        ("If-None-Match", "*"),
        ("If-None-Match", '"1"'),
    ],
    ids=str,
)
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_a_missing_key_is_not_found_whatever_the_precondition(
    caller: Client, method: str, line: tuple[str, str]
) -> None:
    """RFC 9110, section 13.2.1: what would be no success without is no 412 with it."""
    key = unique("missing")
    reply = await send(caller, method, path_of(key), None, line)
    if method == "HEAD":
        assert reply.status == 404
    else:
        assert_problem(reply, 404, "not_found")


async def incremented(
    client: Client, key: str, together: asyncio.Barrier, *, careful: bool
) -> None:
    """Adds one to what it has read; none writes before all have read."""
    for attempt in itertools.count():
        found = await get(client, key)
        if attempt == 0:
            await together.wait()
        lines = [("If-Match", found.headers["ETag"])] if careful else []
        written = await put(client, key, str(int(found.text) + 1), *lines)
        if written.status == 204:
            return
        assert_problem(written, 412, "condition_failed")


@pytest.mark.parametrize("careful", [True, False], ids=["If-Match", "control"])
async def test_no_update_is_lost_with_if_match(caller: Client, careful: bool) -> None:
    key, _ = await kept(caller, "0")
    together = asyncio.Barrier(CLIENTS)
    async with asyncio.TaskGroup() as group:
        for _ in range(CLIENTS):
            group.create_task(incremented(caller, key, together, careful=careful))
    total = int((await get(caller, key)).text)
    assert (total == CLIENTS) is careful


# Expiry


@pytest.mark.parametrize("ttl", ["3600", "3600.25", "36e2", "3600.000000001"])
async def test_a_ttl_shows_how_long_a_key_has_left(caller: Client, ttl: str) -> None:
    key = unique("ttl")
    assert (await send(caller, "PUT", f"{path_of(key)}?ttl={ttl}", "1")).status == 204
    found = await get(caller, key)
    assert 3500 < float(found.headers["KV-TTL"]) <= float(ttl)
    unchanged = await get(caller, key, ("If-None-Match", "*"))
    assert 3500 < float(unchanged.headers["KV-TTL"]) <= float(ttl)
    other = await send(caller, "PUT", f"{path_of(key)}?ttl=7200", "1")
    assert other.status == 204
    assert float((await get(caller, key)).headers["KV-TTL"]) > 7000
    assert (await put(caller, key, "1")).status == 204
    assert "KV-TTL" not in (await get(caller, key)).headers


@pytest.mark.parametrize("ttl", ["0.05", "0.000001", "5e-2"])
async def test_a_key_is_gone_when_its_time_is_over(caller: Client, ttl: str) -> None:
    key = unique("expiring")
    assert (await send(caller, "PUT", f"{path_of(key)}?ttl={ttl}", "1")).status == 204
    async with asyncio.timeout(10):
        while (await get(caller, key)).status != 404:
            pass
    assert await stored(caller, key) == '{"data":{}}'
    assert (await put(caller, key, "2", ("If-None-Match", "*"))).status == 204


@pytest.mark.parametrize("ttl", NOT_A_TTL, ids=lambda ttl: ascii(ttl[:20]))
async def test_what_is_no_ttl_is_refused(caller: Client, ttl: str) -> None:
    key = unique("ttl")
    reply = await send(caller, "PUT", f"{path_of(key)}?ttl={ttl}", "1")
    assert "/ttl" in assert_problem(reply, 400, "invalid_request")
    assert (await get(caller, key)).status == 404


@pytest.mark.parametrize("query", BAD_QUERIES)
async def test_a_query_that_a_put_does_not_know_is_refused(
    caller: Client, query: str
) -> None:
    key = unique("query")
    reply = await send(caller, "PUT", f"{path_of(key)}?{query}", "1")
    assert_problem(reply, 400, "invalid_request")
    assert (await get(caller, key)).status == 404


@pytest.mark.parametrize("query", ["ttl=1", "x", "revisions=1"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_other_methods_take_no_query(
    caller: Client, method: str, query: str
) -> None:
    key, _ = await kept(caller)
    reply = await send(caller, method, f"{path_of(key)}?{query}")
    assert reply.status == 400
    assert (await get(caller, key)).status == 200


@pytest.mark.parametrize("gap", [", ", ",", " ", ",\t"])
async def test_no_list_of_tags_blocks_the_service(client: Client, gap: str) -> None:
    """As one would whose form were tried in more ways than one."""
    headers = {"If-Match": f'"1"{gap * 2500}x'}
    async with asyncio.timeout(5):
        reply = await client.request("GET", "/api/keys/k", headers=headers)
    assert_problem(reply, 400, "invalid_request")


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_a_number_sign_that_is_not_encoded_is_refused(
    client: Client, method: str
) -> None:
    """What follows it would be cut off, and another key be written."""
    sent = http(method, "/api/keys/a#b", body=b"1", token=client.token)
    assert "%23" in assert_problem(await talk(client, sent), 400, "invalid_request")
