"""Every reply, whichever layer makes it, has the id of its request."""

import asyncio
import re
from collections import Counter

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, unique
from tests.support.raw_http import PAUSE, http, kept_alive, left_waiting, talk
from tests.support.service import Serve
from tests.support.sse import following
from tests.support.tarantool import Tarantool

HEADER = "X-Request-Id"
GENERATED = re.compile(r"[0-9a-f]{12}-[0-9]+")

REPLIES = {
    "short": ("POST", "/api/read", '{"keys":["k"]}', 200),
    "list": ("POST", "/api/list", "{}", 200),
    "poll": ("GET", "/api/changes", "", 200),
    "livez": ("GET", "/livez", "", 200),
    "page": ("GET", "/docs", "", 200),
    "head": ("HEAD", "/livez", "", 200),
    "options": ("OPTIONS", "/api/read", "", 204),
    "no-json": ("POST", "/api/read", "nope", 400),
    "no-path": ("GET", "/nothing", "", 404),
    "no-key": ("GET", "/api/keys/nothing-is-here", "", 404),
    "no-method": ("PATCH", "/api/read", "", 405),
}
MALFORMED = {
    "no-http": b"hello\r\n\r\n",
    "long-uri": http("GET", "/" + "a" * 10_000),
    "large-headers": http("GET", "/", b"a: " + b"b" * 20_000),
    "version": b"GET / HTTP/2.0\r\n\r\n",
    "transfer-coding": http("POST", "/api/login", b"Transfer-Encoding: gzip"),
}
VALID = ["a", "0", "A.b_c-9", "x" * 128, "4bf92f35-77b3-4da6-a3ce-929d0e0e4736"]
INVALID = [
    *(b"", b"x" * 129, b"a b", b"a:b", b"<script>", b'"', "é".encode()),
    *(b"a;b", b"a,b", b"%0a", b"\xff", b"a\tb"),
]


async def requested(
    client: Client, method: str, path: str, body: str = "", **headers: str
) -> Reply:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return await client.request(method, path, body, headers=given)


def assert_generated(reply: Reply) -> str:
    (request_id,) = reply.headers.getall(HEADER)
    assert GENERATED.fullmatch(request_id)
    return request_id


@pytest.mark.parametrize("expected", REPLIES.values(), ids=REPLIES)
async def test_a_reply_repeats_the_id_that_the_client_has_given(
    client: Client, expected: tuple[str, str, str, int]
) -> None:
    method, path, body, status = expected
    reply = await requested(client, method, path, body, X_Request_Id="my-id.1")
    assert reply.status == status
    assert reply.headers.getall(HEADER) == ["my-id.1"]
    if status >= 400:
        assert reply.json["instance"] == "urn:request:my-id.1"
    else:
        assert "my-id.1" not in reply.text


@pytest.mark.parametrize("expected", REPLIES.values(), ids=REPLIES)
async def test_each_request_without_an_id_gets_another_one(
    client: Client, expected: tuple[str, str, str, int]
) -> None:
    method, path, body, _ = expected
    replies = [await requested(client, method, path, body) for _ in range(2)]
    first, second = map(assert_generated, replies)
    assert first != second


@pytest.mark.parametrize("given", VALID)
async def test_a_valid_id_is_kept(visitor: Client, given: str) -> None:
    reply = await requested(visitor, "GET", "/nothing", X_Request_Id=given)
    assert reply.headers[HEADER] == given
    assert_problem(reply, 404, "not_found")


@pytest.mark.parametrize("given", INVALID)
@pytest.mark.parametrize("path", ["/livez", "/nothing"])
async def test_an_invalid_id_is_replaced(
    visitor: Client, path: str, given: bytes
) -> None:
    reply = await talk(visitor, http("GET", path, b"X-Request-Id: " + given))
    assert_generated(reply)
    if reply.status != 200:
        assert_problem(reply, 404, "not_found")


@pytest.mark.parametrize("sent", MALFORMED.values(), ids=MALFORMED)
async def test_a_reply_to_a_malformed_request_has_an_id(
    visitor: Client, sent: bytes
) -> None:
    reply = await talk(visitor, sent)
    assert_generated(reply)
    assert_problem(reply, reply.status, reply.json["code"])


async def test_a_refused_expectation_keeps_the_id(visitor: Client) -> None:
    sent = http("GET", "/livez", b"Expect: cookies", b"x-request-id: mine")
    reply = await talk(visitor, sent)
    assert_problem(reply, 417, "invalid_request")
    assert reply.headers[HEADER] == "mine"


async def test_requests_of_one_connection_have_their_own_ids(client: Client) -> None:
    read = b'{"keys":["k"]}'
    async with kept_alive(client) as send:
        given = [
            await send(http("POST", "/api/read", header, body=read, token=client.token))
            for header in (b"X-Request-Id: 1st", b"X-Other: 0", b"X-Request-Id: 3rd")
        ]
    assert [reply.status for reply in given] == [200] * 3
    first, second, third = (reply.headers[HEADER] for reply in given)
    assert (first, third) == ("1st", "3rd")
    assert GENERATED.fullmatch(second)


async def test_concurrent_requests_keep_their_ids_in_one_call(client: Client) -> None:
    """The reads share calls to Tarantool, and are answered out of order."""
    names = [unique("id") for _ in range(50)]
    bodies = ['{"keys":["k"]}', "nope"] * 25
    replies = await asyncio.gather(
        *(
            requested(client, "POST", "/api/read", body, X_Request_Id=name)
            for name, body in zip(names, bodies, strict=True)
        )
    )
    assert [reply.headers[HEADER] for reply in replies] == names
    assert Counter(reply.status for reply in replies) == {200: 25, 400: 25}


async def test_a_stream_has_an_id_and_ends_with_it(client: Client) -> None:
    async with following(client) as stream:
        request_id = stream.response.headers[HEADER]
        assert GENERATED.fullmatch(request_id)
        await stream.start()
        assert (await client.post("/api/logout")).status == 200
        (end,) = await stream.rest()
    assert (end.kind, end.json["code"]) == ("end", "token_revoked")
    assert end.json["instance"] == f"urn:request:{request_id}"


async def test_a_request_for_another_host_has_an_id(visitor: Client) -> None:
    sent = b"GET /api/me HTTP/1.1\r\nHost: evil.example\r\nX-Request-Id: there\r\n\r\n"
    reply = await talk(visitor, sent)
    assert_problem(reply, 421, "misdirected_request")
    assert reply.headers[HEADER] == "there"


async def test_an_overloaded_service_repeats_the_id(
    serve: Serve, tarantool: Tarantool
) -> None:
    async with serve(tarantool, KV_MAX_CONNECTIONS="1") as service:
        await service.enter()
        poll = http("GET", "/api/changes?wait=30", token=service.token)
        async with left_waiting(service, poll):
            await asyncio.sleep(PAUSE)
            reply = await talk(service, http("GET", "/api/me", b"X-Request-Id: one"))
    assert_problem(reply, 503, "overloaded")
    assert reply.headers[HEADER] == "one"
