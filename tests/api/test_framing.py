"""Request framing does not depend on how the bytes are cut into segments."""

import asyncio
from collections.abc import Iterable

import pytest
from aiohttp.web_protocol import RequestHandler

from service.web.connection import HttpConnection
from service.web.framing import (
    MAX_FIELD,
    MAX_HEAD,
    MAX_HEADERS,
    MAX_LINE,
)
from tests.support.assertions import assert_problem
from tests.support.client import Client, unique
from tests.support.raw_http import byte_by_byte, cuts, exchange, http, replies_in

#: Connections of a test at a time.
AT_ONCE = 50

#: What each request is answered with.
LIVE, LOGIN, NOTHING = 200, 400, 404
LIVEZ = http("GET", "/livez")
EMPTY_LOGIN = http("POST", "/api/login", body=b"{}")
NO_ROUTE = http("GET", "/nothing")
CHUNKED = b"Transfer-Encoding: chunked"

#: What would be a request of its own.
SMUGGLED = http("GET", "/smuggled")
IN_CHUNKS = b"%x\r\n%s\r\n0\r\n\r\n" % (len(SMUGGLED), SMUGGLED)


def upgrade(protocol: bytes, *more: bytes) -> list[bytes]:
    return [b"Connection: Upgrade", b"Upgrade: " + protocol, *more]


UPGRADES = {
    "h2c": http("GET", "/livez", *upgrade(b"h2c")),
    "h2c-with-settings": http(
        "GET",
        "/livez",
        b"Connection: Upgrade, HTTP2-Settings",
        b"Upgrade: h2c",
        b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
    ),
    "websocket": http("GET", "/livez", *upgrade(b"websocket")),
    "WebSocket": http(
        "GET",
        "/livez",
        *upgrade(b"WebSocket", b"Sec-WebSocket-Version: 13"),
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    ),
    "TLS": http("GET", "/livez", *upgrade(b"TLS/1.0")),
    "several": http("GET", "/livez", *upgrade(b"h2c, websocket, x/1")),
    "small-letters": http("GET", "/livez", b"connection: uPGRADE", b"uPGRADE: h2c"),
    "not-in-Connection": http("GET", "/livez", b"Upgrade: h2c"),
    "only-in-Connection": http("GET", "/livez", b"Connection: upgrade"),
}
UPGRADES_WITH_BODIES = {
    f"{protocol.decode()}-{framing}": (protocol, body)
    for protocol in (b"h2c", b"websocket", b"TLS/1.0")
    for framing, body in {
        "length": (b"Content-Length: %d" % len(SMUGGLED), SMUGGLED),
        "chunks": (CHUNKED, IN_CHUNKS),
        "two-chunks": (CHUNKED, b"4\r\n\r\n\r\n\r\n" + IN_CHUNKS),
        "trailers": (CHUNKED, IN_CHUNKS[:-2] + b"a: b\r\n\r\n"),
    }.items()
}
MALFORMED = {
    "method": b"BREW / HTTP/1.1\r\nHost: kv\r\n\r\n",
    "header": http("GET", "/livez", b"a b: c"),
    "no-host": b"GET / HTTP/1.1\r\n\r\n",
    "length": http("POST", "/api/login", b"Content-Length: x"),
    "both-framings": http("POST", "/api/login", CHUNKED, body=b"{}"),
}


async def statuses(client: Client, parts: list[bytes]) -> tuple[int, ...]:
    return tuple(reply.status for reply in replies_in(await exchange(client, *parts)))


async def outcomes(client: Client, ways: Iterable[list[bytes]]) -> set[tuple[int, ...]]:
    """The statuses that these ways to send the same bytes are answered with."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def outcome(parts: list[bytes]) -> tuple[int, ...]:
        async with slots:
            return await statuses(client, parts)

    return set(await asyncio.gather(*map(outcome, ways)))


# Upgrades


@pytest.mark.parametrize("request_", UPGRADES.values(), ids=UPGRADES.keys())
async def test_what_follows_an_upgrade_is_answered_in_order(
    visitor: Client, request_: bytes
) -> None:
    sent = request_ + EMPTY_LOGIN + NO_ROUTE
    assert await outcomes(visitor, cuts(sent)) == {(LIVE, LOGIN, NOTHING)}


async def test_aiohttp_alone_drops_what_follows_an_upgrade(
    visitor: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control of the one before."""
    monkeypatch.setattr(HttpConnection, "data_received", RequestHandler.data_received)
    sent = UPGRADES["h2c"] + EMPTY_LOGIN + NO_ROUTE
    assert len(await outcomes(visitor, cuts(sent))) > 1


@pytest.mark.parametrize(
    ("protocol", "framed"),
    UPGRADES_WITH_BODIES.values(),
    ids=UPGRADES_WITH_BODIES.keys(),
)
async def test_the_body_of_an_upgrade_is_not_a_request(
    visitor: Client, protocol: bytes, framed: tuple[bytes, bytes]
) -> None:
    header, body = framed
    sent = http("POST", "/api/login", *upgrade(protocol), header) + body + NO_ROUTE
    assert await outcomes(visitor, cuts(sent)) == {(LOGIN, NOTHING)}


@pytest.mark.parametrize("request_", UPGRADES.values(), ids=UPGRADES.keys())
async def test_an_upgrade_behind_other_requests(
    visitor: Client, request_: bytes
) -> None:
    chunked = http("POST", "/api/login", CHUNKED) + b"2\r\n{}\r\n0\r\n\r\n"
    sent = NO_ROUTE + EMPTY_LOGIN + chunked + request_ + request_ + NO_ROUTE
    expected = (NOTHING, LOGIN, LOGIN, LIVE, LIVE, NOTHING)
    assert await outcomes(visitor, cuts(sent)) == {expected}


@pytest.mark.parametrize(
    "more",
    [
        b"",
        SMUGGLED,
        b"\x16\x03\x01\x02\x00",
    ],
    ids=["alone", "request", "TLS"],
)
@pytest.mark.parametrize(
    "header", [b"a: b", b"Content-Length: %d" % len(SMUGGLED), CHUNKED]
)
async def test_no_byte_behind_a_connect_is_a_request(
    visitor: Client, header: bytes, more: bytes
) -> None:
    sent = LIVEZ + b"CONNECT kv:443 HTTP/1.1\r\nHost: kv\r\n" + header + b"\r\n\r\n"
    for found in await outcomes(visitor, cuts(sent + more)):
        assert found == (LIVE, NOTHING)


async def test_many_requests_in_one_segment(visitor: Client) -> None:
    """More than aiohttp parses in advance."""
    upgrades = [UPGRADES["h2c"], UPGRADES["websocket"], EMPTY_LOGIN, LIVEZ] * 50
    sent = b"".join(upgrades) + NO_ROUTE
    expected = (*(LIVE, LIVE, LOGIN, LIVE) * 50, NOTHING)
    assert await statuses(visitor, [sent]) == expected
    in_parts = [sent[i : i + 1000] for i in range(0, len(sent), 1000)]
    assert await statuses(visitor, in_parts) == expected


async def test_an_upgrade_after_many_bodies_that_came_behind_their_heads(
    visitor: Client,
) -> None:
    parts = [EMPTY_LOGIN[:-2], b"{}"] * 40
    sent = UPGRADES["h2c"] + NO_ROUTE
    expected = (*(LOGIN,) * 40, LIVE, NOTHING)
    assert await statuses(visitor, [*parts, sent]) == expected


async def test_large_bodies_behind_each_other(client: Client) -> None:
    """Larger than what is read in advance, with bytes like an end of chunks."""
    key = unique("large")
    value = b'"%s"' % (b"x" * 700_000)
    put = http("PUT", f"/api/keys/{key}", body=value, token=client.token)
    head = http("PUT", f"/api/keys/{key}", CHUNKED, token=client.token)
    spaced = value + b"\r\n\r\n" * 500
    chunk = b"%x\r\n%s\r\n0\r\n\r\n" % (len(spaced), spaced)
    sent = put + UPGRADES["h2c"] + head + chunk + UPGRADES["h2c"] + put + NO_ROUTE
    expected = (204, LIVE, 204, LIVE, 204, NOTHING)
    assert await statuses(client, [sent]) == expected
    in_parts = [sent[i : i + 50_001] for i in range(0, len(sent), 50_001)]
    assert await statuses(client, in_parts) == expected


@pytest.mark.parametrize("malformed", MALFORMED.values(), ids=MALFORMED.keys())
async def test_requests_before_a_malformed_one_are_answered(
    visitor: Client, malformed: bytes
) -> None:
    sent = LIVEZ + EMPTY_LOGIN + malformed + SMUGGLED
    assert await outcomes(visitor, cuts(sent)) == {(LIVE, LOGIN, 400)}


# Limits


def filled(size: int, *headers: bytes) -> bytes:
    """A head with the given size in bytes."""
    head = http("GET", "/livez", *headers)
    fields: list[bytes] = []
    while (left := size - len(head) - len(b"".join(fields))) > 0:
        length = left if left < 2_000 else 1_000
        fields.append(b"a: ".ljust(length - 2, b"b") + b"\r\n")
    return head[:-2] + b"".join(fields) + b"\r\n"


def ways(sent: bytes) -> list[list[bytes]]:
    sizes = (len(sent), len(sent) // 2, 1_460, len(sent) - 1, len(sent) - 4)
    return [[sent[i : i + n] for i in range(0, len(sent), n)] for n in sizes]


@pytest.mark.parametrize("before", [b"", LIVEZ, EMPTY_LOGIN, UPGRADES["h2c"]])
async def test_the_limit_of_a_head(visitor: Client, before: bytes) -> None:
    first = await statuses(visitor, [before])
    fits, exceeds = filled(MAX_HEAD), filled(MAX_HEAD + 1)
    assert (len(fits), len(exceeds)) == (MAX_HEAD, MAX_HEAD + 1)
    expected = {(*first, LIVE, NOTHING)}
    assert await outcomes(visitor, ways(before + fits + NO_ROUTE)) == expected
    assert await outcomes(visitor, ways(before + exceeds)) == {(*first, 431)}
    large = filled(4 * MAX_HEAD)
    assert await outcomes(visitor, ways(before + large)) == {(*first, 431)}


async def test_a_head_beyond_the_limit_is_refused_before_its_end(
    visitor: Client,
) -> None:
    answer = await exchange(visitor, filled(MAX_HEAD + 100)[: MAX_HEAD + 1], last=False)
    (reply,) = replies_in(answer)
    assert str(MAX_HEAD) in assert_problem(reply, 431, "headers_too_large")


async def test_spaces_around_a_value_count(visitor: Client) -> None:
    head = http("GET", "/livez", b"a: " + b" " * MAX_HEAD + b"b")
    assert await outcomes(visitor, ways(head)) == {(431,)}


FITTING = {
    "line": http("GET", "/livez?".ljust(MAX_LINE, "a")),
    "field": http(
        "GET",
        "/livez",
        b"n" * 5_000 + b": v",
        b"a".ljust(5_000, b"a") + b": " + b"b" * (MAX_FIELD - 5_000),
    ),
    "count": http("GET", "/livez", *(b"a%d: b" % i for i in range(MAX_HEADERS - 1))),
}
EXCEEDING = {
    "line": (http("GET", "/livez?".ljust(MAX_LINE + 1, "a")), 414),
    "field": (
        http(
            "GET",
            "/livez",
            b"n" * 5_000 + b": v",
            b"a".ljust(5_000, b"a") + b": " + b"b" * (MAX_FIELD - 4_999),
        ),
        431,
    ),
    "count": (
        http("GET", "/livez", *(b"a%d: b" % i for i in range(MAX_HEADERS))),
        431,
    ),
}


@pytest.mark.parametrize("sent", FITTING.values(), ids=FITTING.keys())
async def test_what_keeps_another_limit(visitor: Client, sent: bytes) -> None:
    assert len(await outcomes(visitor, ways(sent))) == 1
    (found,) = await outcomes(visitor, ways(LIVEZ + sent))
    assert found[0] == LIVE
    assert found[1] in (200, 400)  # no query is taken here


@pytest.mark.parametrize(("sent", "status"), EXCEEDING.values(), ids=EXCEEDING.keys())
async def test_what_exceeds_another_limit(
    visitor: Client, sent: bytes, status: int
) -> None:
    assert await outcomes(visitor, ways(sent)) == {(status,)}
    assert await outcomes(visitor, ways(LIVEZ + sent)) == {(LIVE, status)}


async def test_the_longest_head_byte_by_byte(visitor: Client) -> None:
    parts = byte_by_byte(filled(MAX_HEAD) + NO_ROUTE)
    assert await statuses(visitor, parts) == (LIVE, NOTHING)


# What aiohttp accepts, and should not

NO_URLS = {
    "an invalid label": b"http://xn--a/livez",
    "an empty label": b"http://xn--/x",
    "another scheme": b"ftp://xn--zz--/",
}
NO_FRAMING = {
    "a length that aiohttp takes for none": b"Content-Length: %d" % (2**64 - 1),
    "such a length with zeros": b"Content-Length: 00%d" % (2**64 - 1),
    "an empty coding": b"Transfer-Encoding:",
    "another coding": b"Transfer-Encoding: gzip, chunked",
}


@pytest.mark.parametrize("version", [b"1.0", b"1.1"])
@pytest.mark.parametrize("target", NO_URLS.values(), ids=NO_URLS)
async def test_a_target_that_is_no_url(
    visitor: Client, target: bytes, version: bytes
) -> None:
    sent = b"GET %b HTTP/%b\r\nHost: localhost\r\n\r\n" % (target, version)
    (reply,) = replies_in(await exchange(visitor, sent + LIVEZ, last=False))
    assert_problem(reply, 400, "invalid_request")


@pytest.mark.parametrize("header", NO_FRAMING.values(), ids=NO_FRAMING)
async def test_what_follows_an_unknown_length_is_no_request(
    visitor: Client, header: bytes
) -> None:
    for method in b"POST", b"DELETE", b"GET":
        head = (
            method + b" /api/login HTTP/1.1\r\nHost: localhost\r\n%b\r\n\r\n" % header
        )
        for parts in [head, SMUGGLED], [head + SMUGGLED], byte_by_byte(head + SMUGGLED):
            (reply,) = replies_in(await exchange(visitor, *parts, last=False))
            assert_problem(reply, 400, "invalid_request")


async def test_a_connection_whose_task_fails_is_closed(
    visitor: Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """aiohttp makes the request outside what it guards."""
    monkeypatch.setattr("service.web.connection.malformed", lambda _: None)
    sent = b"GET http://xn--a/ HTTP/1.1\r\nHost: localhost\r\n\r\n"
    assert await exchange(visitor, sent, last=False) == b""
    assert "the task of a connection failed" in caplog.text
