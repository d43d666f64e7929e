"""Imports while they run: slow and silent clients, outages, stops, memory."""

import asyncio
import contextlib
import gzip
import signal
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from service.web.body_decoding import CODINGS
from service.web.connection import HttpConnection
from tests.support.access_tokens import created, delete_token, using
from tests.support.client import Client, account_of, unique
from tests.support.console import disable
from tests.support.imports import (
    OpenImport,
    imported,
    ndjson,
    open_import,
    values_of,
)
from tests.support.machine import POLL_INTERVAL, wait_until_ready
from tests.support.metrics import counting
from tests.support.raw_http import REPLY_TIMEOUT, exchange, http, leave_after
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools

#: Entries of a batch here.
BATCH = 3

#: Bytes of a value: some of these make a batch.
MANY = 50_000

KIB = 1024
MIB = 1024 * KIB


def lines(prefix: str, first: int, last: int, value: str = "v") -> bytes:
    return ndjson(
        {"key": f"{prefix}{i:05}", "value": value} for i in range(first, last)
    )


@pytest.fixture
async def client(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    """The client of a service with small batches and a short client timeout."""
    async with serve(
        tarantool, KV_MAX_KEYS=str(BATCH), KV_CLIENT_TIMEOUT="1"
    ) as client:
        yield await client.enter()


async def test_a_batch_is_written_before_the_next_one_arrives(client: Client) -> None:
    prefix = unique("import")
    async with open_import(client) as body:
        await body.send(lines(prefix, 0, BATCH + 1))
        assert await body.status() == 200
        report = await body.line()
        assert (report["line"], report["written"]) == (BATCH, BATCH)
        assert len(await values_of(client, prefix)) == BATCH
        await body.send(lines(prefix, BATCH + 1, BATCH + 2))
        body.end()
        end = await body.last_line()
        since = report["since"]
        total = BATCH + 2
        assert end == {
            "end": True,
            "line": total,
            "written": total,
            "skipped": 0,
            "since": since,
        }


async def test_reports_come_once_per_second_at_most(client: Client) -> None:
    prefix = unique("import")
    async with open_import(client) as body:
        for number in range(100):
            await body.send(lines(prefix, number * 10, number * 10 + 10))
            await asyncio.sleep(0.02)
        body.end()
        assert await body.status() == 200
        reports = []
        while (line := await body.line()) is not None:
            reports.append(line)
    assert 3 <= len(reports) <= 10
    written = [report["written"] for report in reports]
    assert written == sorted(written)
    assert reports[-1]["end"]


@pytest.mark.parametrize("sent", [0, 1, BATCH + 1])
async def test_a_client_that_sends_too_slowly_is_ended(
    client: Client, sent: int
) -> None:
    prefix = unique("import")
    async with open_import(client) as body:
        if sent:
            await body.send(lines(prefix, 0, sent))
        status = await body.status()
        if sent <= BATCH:
            assert status == 408
            assert b'"request_timeout"' in await body.rest()
            assert await values_of(client, prefix) == {}
        else:
            assert status == 200
            problem = await body.last_line()
            assert (problem["status"], problem["code"]) == (408, "request_timeout")
            assert problem["line"] == problem["written_through"] == BATCH
            assert len(await values_of(client, prefix)) == BATCH
            await body.rest()  # the connection closes


async def test_a_client_that_pauses_between_lines_has_its_time(client: Client) -> None:
    """Each byte extends the time of the next ones; work is not counted."""
    prefix = unique("import")
    async with open_import(client) as body:
        for number in range(5):
            value = "v" * 16 * KIB  # a second's worth
            await body.send(lines(prefix, number, number + 1, value))
            await asyncio.sleep(0.5)
        body.end()
        assert await body.status() == 200
        assert (await body.last_line())["written"] == 5


async def test_a_client_that_reads_only_after_sending_gets_its_end(
    serve: Serve, tarantool: Tarantool
) -> None:
    async with serve(tarantool, KV_CLIENT_TIMEOUT="1") as client:
        await client.enter()
        prefix = unique("import")
        async with open_import(client, narrow=True) as body:
            for number in range(40):
                first = number * 500
                await body.send(lines(prefix, first, first + 500, "v" * 500))
                await asyncio.sleep(0.1)
            body.end()
            assert await body.status() == 200
            end = await body.last_line()
        assert end["end"]
        assert end["written"] == 20_000


async def test_a_client_that_never_reads_is_imported(client: Client) -> None:
    prefix = unique("import")
    async with open_import(client, narrow=True) as body:
        for number in range(30):
            await body.send(lines(prefix, number * 10, number * 10 + 10, "v" * 400))
            await asyncio.sleep(0.1)
        body.end()
        await until(lambda: stored(client, prefix, 300))


async def test_reports_are_dropped_while_the_client_does_not_read(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    has_unsent = property(lambda _: True)
    monkeypatch.setattr(HttpConnection, "has_unsent", has_unsent)
    prefix = unique("import")
    async with open_import(client) as body:
        for number in range(15):
            await body.send(lines(prefix, number * 10, number * 10 + 10, "v" * 400))
            await asyncio.sleep(0.1)
        body.end()
        assert await body.status() == 200
        first, end, nothing = [await body.line() for _ in range(3)]
    assert first["written"] == BATCH
    assert end["end"]
    assert nothing is None


async def test_what_was_written_stays_when_the_client_leaves(client: Client) -> None:
    prefix = unique("import")
    body = lines(prefix, 0, 2 * BATCH + 1)
    head = http("POST", "/api/import", b"Content-Length: 100000", token=client.token)
    await leave_after(client, head + body)
    assert len(await values_of(client, prefix)) == 2 * BATCH


async def test_a_client_that_closes_its_half_gets_the_reply(client: Client) -> None:
    prefix = unique("import")
    sent = http("POST", "/api/import", body=lines(prefix, 0, 9), token=client.token)
    for version in b"HTTP/1.1", b"HTTP/1.0":
        answer = await exchange(client, sent.replace(b"HTTP/1.1", version, 1))
        assert b" 200 OK" in answer
        assert b'{"end":true,"line":9,"written":9,' in answer
    assert len(await values_of(client, prefix)) == 9


async def test_a_body_with_malformed_chunks_ends_with_a_problem(
    client: Client,
) -> None:
    prefix = unique("import")
    async with open_import(client) as body:
        await body.send(lines(prefix, 0, BATCH + 1))
        assert await body.status() == 200
        assert (await body.line())["written"] == BATCH
        body.writer.write(b"not a size\r\n")
        problem = await body.last_line()
        assert (problem["status"], problem["code"]) == (400, "invalid_request")
        assert problem["written_through"] == BATCH


async def test_the_next_request_of_the_connection_is_answered(client: Client) -> None:
    prefix = unique("import")
    async with open_import(client) as body:
        await body.send(lines(prefix, 0, BATCH + 1))
        body.end()
        assert await body.status() == 200
        assert (await body.last_line())["end"]
        body.writer.write(http("GET", "/livez"))
        assert await body.status() == 200


async def test_an_import_in_progress_is_not_the_idlest_connection(
    serve: Serve, tarantool: Tarantool
) -> None:
    async with serve(tarantool) as other:
        await other.enter()
        async with serve(tarantool, KV_MAX_CONNECTIONS="2") as client:
            client.token = other.token
            async with open_import(client) as body, open_import(client) as silent:
                for number in range(15):
                    await body.send(lines("x", number, number + 1, "v" * KIB))
                    await asyncio.sleep(0.2)
                async with open_import(client):  # one more than the limit
                    await silent.rest()
                body.end()
                assert await body.status() == 200
                assert (await body.last_line())["written"] == 15


# Ends


async def test_an_ended_token_ends_an_import(
    serve: Serve, tarantool: Tarantool
) -> None:
    async with serve(tarantool, KV_MAX_KEYS=str(BATCH)) as client:
        await client.enter()
        prefix = unique("import")
        async with open_import(client) as body:
            await body.send(lines(prefix, 0, BATCH + 1))
            assert await body.status() == 200
            assert (await body.line())["written"] == BATCH
            disable(tarantool, account_of(client))
            await body.send(lines(prefix, BATCH + 1, 2 * BATCH + 1))
            problem = await body.last_line()
        assert (problem["status"], problem["code"]) == (403, "token_revoked")
        assert problem["written_through"] == BATCH


async def test_a_revoked_access_token_ends_an_import(client: Client) -> None:
    token = await created(client)
    prefix = unique("import")
    async with open_import(using(client, token["token"])) as body:
        await body.send(lines(prefix, 0, BATCH + 1))
        assert await body.status() == 200
        assert (await body.line())["written"] == BATCH
        await delete_token(client, token["id"])
        await body.send(lines(prefix, BATCH + 1, 2 * BATCH + 1))
        problem = await body.last_line()
    assert (problem["status"], problem["code"]) == (403, "token_revoked")
    assert problem["written_through"] == BATCH


async def test_an_expired_token_ends_an_import(
    serve: Serve, tarantool: Tarantool
) -> None:
    async with serve(tarantool, KV_MAX_KEYS=str(BATCH), KV_TOKEN_TTL="1") as client:
        await client.enter()
        prefix = unique("import")
        async with open_import(client) as body:
            await body.send(lines(prefix, 0, BATCH + 1))
            assert await body.status() == 200
            await asyncio.sleep(1.5)
            await body.send(lines(prefix, BATCH + 1, 2 * BATCH + 1))
            problem = await body.last_line()
        assert (problem["status"], problem["code"]) == (403, "token_expired")


async def test_a_stop_ends_imports_with_a_problem(
    serve: Serve, tarantool: Tarantool
) -> None:
    prefix = unique("import")
    async with contextlib.AsyncExitStack() as stack:
        async with serve(tarantool, KV_MAX_KEYS=str(BATCH)) as client:
            await client.enter()
            early = await stack.enter_async_context(open_import(client))
            late = await stack.enter_async_context(open_import(client))
            await early.send(lines(prefix, 0, 1))
            await late.send(lines(prefix, 0, BATCH + 1))
            assert await late.status() == 200
            assert (await late.line())["written"] == BATCH
            sending = asyncio.create_task(keep_sending(late, prefix))
            await until(lambda: stored(client, prefix, 3 * BATCH))
            # a client that still sends may lose what it has not read in the end
            reading = asyncio.create_task(late.last_line())
        problem = await reading
        assert (problem["status"], problem["code"]) == (503, "stopping")
        assert problem["written_through"] == problem["written"] > BATCH
        assert await early.status() == 503
        assert b'"stopping"' in await early.rest()
        sending.cancel()
        with contextlib.suppress(asyncio.CancelledError, ConnectionError):
            await sending


async def test_a_stop_does_not_wait_for_what_one_part_of_a_body_has(
    serve: Serve, tarantool: Tarantool
) -> None:
    prefix = unique("import")
    sent = lines(prefix, 0, BATCH + 1) + b"\n" * (64 * MIB)
    async with contextlib.AsyncExitStack() as stack:
        async with serve(tarantool, KV_MAX_KEYS=str(BATCH)) as client:
            await client.enter()
            coding = b"Content-Encoding: gzip"
            body = await stack.enter_async_context(open_import(client, "", coding))
            await body.send(gzip.compress(sent))
            assert await body.status() == 200
        problem = await body.last_line()
        assert (problem["status"], problem["code"]) == (503, "stopping")
        assert problem["written"] == BATCH


async def keep_sending(body: OpenImport, prefix: str) -> None:
    number = BATCH + 1
    while True:
        await body.send(lines(prefix, number, number + 1))
        number += 1
        await asyncio.sleep(0.005)


# Outages


async def test_an_outage_ends_an_import_that_a_restart_completes(
    serve: Serve, tarantools: Tarantools
) -> None:
    prefix = unique("import")
    with tarantools.running() as tarantool:
        async with serve(tarantool, KV_MAX_KEYS=str(BATCH)) as client:
            await client.enter()
            async with open_import(client, "?mode=create") as body:
                await body.send(lines(prefix, 0, BATCH + 1))
                assert await body.status() == 200
                since = (await body.line())["since"]
                tarantool.kill(signal.SIGKILL)
                await body.send(lines(prefix, BATCH + 1, 2 * BATCH + 1))
                problem = await body.last_line()
            assert (problem["status"], problem["code"]) == (503, "storage_unavailable")
            assert problem["applied"] in ("no", "unknown")
            assert problem["since"] == since
            assert problem["written_through"] == BATCH
            assert f"repeat the import with since={since}" in problem["detail"]
            tarantool.start()
            await wait_until_ready(client, REPLY_TIMEOUT * 6)
            whole = lines(prefix, 0, 10)
            outcome = await imported(client, whole, f"?mode=create&since={since}")
            assert outcome.counts == (10, 0)


#: The procedure commits its batch, and keeps its result to itself.
HOLD_RESULTS = """
local real = kv.v1.import_batch
kv.v1.import_batch = function(caller, keys, ...)
    local result = {real(caller, keys, ...)}
    if #keys > 0 then
        rawset(_G, 'committed', (rawget(_G, 'committed') or 0) + 1)
        if committed == 2 then
            require('fiber').sleep(60)
        end
    end
    return unpack(result)
end
"""


async def test_a_batch_whose_outcome_is_unknown_can_be_repeated(
    serve: Serve, tarantools: Tarantools
) -> None:
    prefix = unique("import")
    with tarantools.running() as tarantool:
        async with serve(tarantool, KV_MAX_KEYS=str(BATCH)) as client:
            await client.enter()
            tarantool.console(HOLD_RESULTS)
            async with open_import(client, "?mode=create") as body:
                await body.send(lines(prefix, 0, 2 * BATCH + 1))
                assert await body.status() == 200
                assert (await body.line())["written"] == BATCH
                await until(lambda: stored(client, prefix, 2 * BATCH))
                tarantool.kill(signal.SIGKILL)
                problem = await body.last_line()
            assert problem["applied"] == "unknown"
            assert "may be written, too" in problem["detail"]
            assert problem["written_through"] == BATCH
            tarantool.start()
            await wait_until_ready(client, REPLY_TIMEOUT * 6)
            whole = lines(prefix, 0, 10)
            query = f"?mode=create&since={problem['since']}"
            assert (await imported(client, whole, query)).counts == (10, 0)
            # the control: it has been applied
            assert (await imported(client, whole, "?mode=create")).status == 412


async def test_a_full_memory_ends_an_import_that_resumes(
    serve: Serve, tarantools: Tarantools
) -> None:
    prefix = unique("import")
    memory = str(64 * MIB)
    with tarantools.running(KV_MEMTX_MEMORY=memory, KV_WAL_MODE="write") as tarantool:
        async with serve(tarantool) as client:
            await client.enter()
            async with open_import(client, "?mode=create") as body:
                sending = asyncio.create_task(send_much(body, prefix))
                assert await body.status() == 200
                problem = await body.last_line()
                sending.cancel()
            assert (problem["status"], problem["code"]) == (503, "storage_full")
            assert problem["applied"] == "no"
            count = problem["written_through"]
            assert count == problem["written"] > 100
            query = f"?mode=create&since={problem['since']}"
            # what is there is replaced in place
            again = await imported(client, lines(prefix, 0, 3, "w"), query)
            assert again.counts == (3, 0)
            with contextlib.suppress(asyncio.CancelledError, ConnectionError):
                await sending


async def send_much(body: OpenImport, prefix: str) -> None:
    for number in range(2000):
        await body.send(lines(prefix, number, number + 1, "v" * MANY))


# Memory


async def test_a_long_line_is_reserved_and_released(tarantool: Tarantool) -> None:
    async with counting(tarantool, KV_MAX_HELD=str(2 * MIB), KV_MAX_BODY=str(MIB)) as (
        client,
        counts,
    ):
        await client.enter()
        prefix = unique("import")
        async with open_import(client) as body:
            beginning = f'{{"key":"{prefix}","value":"'.encode()
            await body.send(beginning + b"v" * MIB)
            await until(lambda: counts.of("kv_buffered_bytes") >= MIB)
            # a request that waits for its client does not count
            assert counts.of("kv_http_requests_in_flight") == 0
            await body.send(b"v" * (3 * MIB // 2))
            assert await body.status() == 503
            assert b'"overloaded"' in await body.rest()
        await until(lambda: counts.of("kv_buffered_bytes") == 0)


async def test_an_import_takes_the_same_memory_however_long_it_is(
    tarantool: Tarantool,
) -> None:
    async with counting(tarantool, KV_MAX_HELD=str(MIB), KV_MAX_BODY=str(MIB)) as (
        client,
        counts,
    ):
        await client.enter()
        prefix, most = unique("import"), 0.0
        async with open_import(client) as body:
            for number in range(20):
                await body.send(
                    lines(prefix, number * 10, number * 10 + 10, "v" * MANY)
                )
                await asyncio.sleep(0)
                most = max(most, counts.of("kv_buffered_bytes"))
            body.end()
            assert await body.status() == 200
            assert (await body.last_line())["written"] == 200
        assert 0 < most < MIB / 2
        await until(lambda: counts.of("kv_buffered_bytes") == 0)


async def test_the_window_of_a_decoder_is_reserved(tarantool: Tarantool) -> None:
    async with counting(tarantool) as (client, counts):
        await client.enter()
        async with open_import(client, "", b"Content-Encoding: zstd") as body:
            await body.send(b"\x28\xb5\x2f\xfd")
            if "zstd" in CODINGS:
                await until(lambda: counts.of("kv_buffered_bytes") >= 8 * MIB)
            else:
                assert await body.status() == 415


async def test_imports_are_counted_by_their_result(tarantool: Tarantool) -> None:
    async with counting(tarantool, KV_MAX_KEYS=str(BATCH)) as (client, counts):
        await client.enter()
        prefix = unique("import")
        await imported(client, lines(prefix, 0, 2))
        await imported(client, lines(prefix, 0, BATCH + 1) + b"x")
        await imported(client, b"x")
        head = http("POST", "/api/import", b"Content-Length: 9999", token=client.token)
        await leave_after(client, head + lines(prefix, 0, BATCH + 1))
        await until(lambda: counts.of("kv_imports", result="left") == 1)
        assert counts.of("kv_imports", result="complete") == 1
        assert counts.of("kv_imports", result="invalid_json") == 2
        assert counts.of("kv_keys_touched", operation="write") == 2 + 2 * BATCH


async def stored(client: Client, prefix: str, count: int) -> bool:
    return len(await values_of(client, prefix)) >= count


async def until(condition: Callable[[], bool | Awaitable[bool]]) -> None:
    async with asyncio.timeout(REPLY_TIMEOUT):
        while True:
            holds = condition()
            if holds if isinstance(holds, bool) else await holds:
                return
            await asyncio.sleep(POLL_INTERVAL)
