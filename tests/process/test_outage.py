"""Outages of Tarantool, as clients observe them."""

import asyncio
import signal
import socket
import time
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest

from service.storage.connection import CONNECT_TIMEOUT
from tests.support.client import Client, Reply, account_of
from tests.support.machine import wait_until_ready
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools

#: Seconds for a reply that waits for nothing.
AT_ONCE = 1.0

#: Seconds after which the service gives up on a call, and some for the reply.
REFUSAL_TIMEOUT = 5.0 + AT_ONCE

#: Seconds in which the service finds a Tarantool that is back.
RECOVERY_TIMEOUT = 5.0

#: A procedure that does not answer in time, and does nothing.
HANG = "kv.v1.{procedure} = function() require('fiber').sleep(60) end"


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    """An instance to be killed."""
    with tarantools.running() as instance:
        yield instance


def change_password(client: Client) -> Awaitable[Reply]:
    passwords = {"password": "password", "new_password": "another"}
    return client.post("/api/password", passwords)


def delete_account(client: Client) -> Awaitable[Reply]:
    return client.request("DELETE", "/api/me", {"password": "password"})


async def killed(tarantool: Tarantool) -> None:
    await asyncio.to_thread(tarantool.kill)


async def started(tarantool: Tarantool) -> None:
    await asyncio.to_thread(tarantool.start)


async def test_every_call_is_refused_at_once(own: Tarantool, serve: Serve) -> None:
    async with serve(own) as client:
        await client.enter()
        await killed(own)
        for call, applied in [
            (client.write({"k": 1}), "no"),
            (client.read(["k"]), None),
            (client.register("other", "password"), "no"),
            (client.login("other", "password"), None),
            (change_password(client), "no"),
            (delete_account(client), "no"),
        ]:
            begin = time.monotonic()
            reply = await call
            assert time.monotonic() - begin < AT_ONCE
            assert (reply.status, reply.json["code"]) == (503, "storage_unavailable")
            assert reply.json.get("applied") == applied
            assert int(reply.headers["Retry-After"]) >= 1


async def test_the_service_is_alive_but_not_ready(own: Tarantool, serve: Serve) -> None:
    async with serve(own) as client:
        assert (await client.request("GET", "/readyz")).status == 200
        await killed(own)
        assert (await client.request("GET", "/livez")).status == 200
        reply = await client.request("GET", "/readyz")
        assert (reply.status, reply.json["code"]) == (503, "storage_unavailable")


async def test_the_service_recovers_with_all_data(own: Tarantool, serve: Serve) -> None:
    async with serve(own) as client:
        await client.enter()
        await client.write({"k": "kept"})
        await killed(own)
        assert (await client.read(["k"])).status == 503
        await started(own)
        await wait_until_ready(client, RECOVERY_TIMEOUT)
        assert (await client.read(["k"])).json["data"] == {"k": "kept"}
        assert (await client.write({"k": "new"})).status == 200


async def test_the_outcome_of_a_write_in_flight_is_not_known(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        await client.enter()
        own.kill(signal.SIGSTOP)
        write = asyncio.create_task(client.write({"k": 1}))
        read = asyncio.create_task(client.read(["k"]))
        await asyncio.sleep(0.5)
        assert not write.done()
        await killed(own)
        reply = await write
        assert (reply.status, reply.json["code"]) == (503, "storage_unavailable")
        assert reply.json["applied"] == "unknown"
        assert int(reply.headers["Retry-After"]) >= 1
        assert "applied" not in (await read).json


async def test_calls_to_a_storage_that_hangs_time_out(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        await client.enter()
        await client.write({"k": "before"})
        own.kill(signal.SIGSTOP)
        begin = time.monotonic()
        write, read, ready = await asyncio.gather(
            client.write({"k": "during"}),
            client.read(["k"]),
            client.request("GET", "/readyz"),
        )
        assert time.monotonic() - begin < REFUSAL_TIMEOUT
        assert [write.status, read.status, ready.status] == [503] * 3
        assert write.json["applied"] == "unknown"
        own.kill(signal.SIGCONT)
        await wait_until_ready(client, RECOVERY_TIMEOUT)
        assert (await client.read(["k"])).json["data"]["k"] in ("before", "during")
        assert (await client.write({"k": "after"})).status == 200
        assert (await client.read(["k"])).json["data"] == {"k": "after"}


@pytest.mark.parametrize(
    ("procedures", "applied"),
    [
        (["check_session"], "no"),
        (["begin_login"], "no"),
        (["end_login"], "no"),
        (["change_password", "delete_user"], "unknown"),
    ],
)
async def test_a_timeout_before_the_write_of_an_account_leaves_no_doubt(
    own: Tarantool, serve: Serve, procedures: list[str], applied: str
) -> None:
    async with serve(own) as client:
        await client.enter()
        for procedure in procedures:
            own.console(HANG.format(procedure=procedure))
        for reply in await asyncio.gather(
            change_password(client), delete_account(client)
        ):
            assert (reply.status, reply.json["code"]) == (503, "storage_unavailable")
            assert reply.json["applied"] == applied


async def test_a_shared_password_check_leaves_a_login_without_applied(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        await client.enter()
        own.console(HANG.format(procedure="begin_login"))
        name = account_of(client)
        calls = []
        # the last two share the check that waits for the one of the first
        for call in (
            client.login(name, "password"),
            change_password(client),
            client.login(name, "password"),
        ):
            calls.append(asyncio.ensure_future(call))
            await asyncio.sleep(0.2)
        replies = await asyncio.gather(*calls)
        assert [reply.status for reply in replies] == [503] * 3
        assert [reply.json.get("applied") for reply in replies] == [None, "no", None]


async def test_accounts_in_a_storage_that_hangs_are_not_changed(
    own: Tarantool, serve: Serve
) -> None:
    async with serve(own) as client:
        await client.enter()
        own.kill(signal.SIGSTOP)
        replies = await asyncio.gather(change_password(client), delete_account(client))
        own.kill(signal.SIGCONT)
        for reply in replies:
            assert (reply.status, reply.json["code"]) == (503, "storage_unavailable")
            assert reply.json["applied"] == "no"
        await wait_until_ready(client, RECOVERY_TIMEOUT)
        assert (await client.request("GET", "/api/me")).status == 200


async def test_of_two_addresses_the_one_that_is_up_is_used(
    tarantools: Tarantools, serve: Serve
) -> None:
    with tarantools.running() as first, tarantools.running() as second:
        addresses = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
        await killed(first)
        async with serve(first, KV_TARANTOOL_URI=addresses) as client:
            await client.enter()
            assert (await client.write({"k": 1})).status == 200
            await started(first)
            await killed(second)
            await wait_until_ready(client, RECOVERY_TIMEOUT)
            # another instance, with accounts of its own
            assert (await client.write({"k": 1})).json["code"] == "token_revoked"
            await client.enter()
            assert (await client.write({"k": 1})).status == 200


@pytest.mark.parametrize("fault", ["read-only", "hanging"])
async def test_an_instance_that_takes_no_writes_is_left_for_one_that_does(
    tarantools: Tarantools, serve: Serve, fault: str
) -> None:
    with tarantools.running() as first, tarantools.running() as second:
        addresses = f"127.0.0.1:{first.port},127.0.0.1:{second.port}"
        async with serve(first, KV_TARANTOOL_URI=addresses) as client:
            if fault == "read-only":
                first.console("box.cfg({read_only = true})")
            else:
                first.kill(signal.SIGSTOP)
            early = await client.register("early", "password")
            # on a busy machine the service has moved to the second one by now
            if early.status != 200:
                assert early.json["code"] == "storage_unavailable"
            # a call that was sent to the hanging one waits its time out
            async with asyncio.timeout(REFUSAL_TIMEOUT + RECOVERY_TIMEOUT):
                while (await client.register("late", "password")).status == 503:
                    pass
            await client.login("late", "password")
            assert (await client.write({"k": 1})).status == 200
            first.kill(signal.SIGCONT)


async def test_without_an_instance_that_takes_writes_reads_go_on(
    tarantools: Tarantools, serve: Serve
) -> None:
    with tarantools.running() as first, tarantools.prepared() as second:
        addresses = f"127.0.0.1:{second.port},127.0.0.1:{first.port}"
        async with serve(first, KV_TARANTOOL_URI=addresses) as client:
            await client.enter()
            await client.write({"k": "kept"})
            first.console("box.cfg({read_only = true})")
            for _ in range(20):
                write, read = await asyncio.gather(
                    client.write({"k": "new"}), client.read(["k"])
                )
                assert (write.status, write.json["applied"]) == (503, "no")
                assert read.json == {"data": {"k": "kept"}}


async def test_a_hanging_instance_costs_no_descriptors(
    own: Tarantool, serve: Serve
) -> None:
    def descriptors() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    async with serve(own) as client:
        await killed(own)
        with socket.create_server(("127.0.0.1", own.port)):  # it accepts, and is silent
            before = descriptors()
            await asyncio.sleep(3 * CONNECT_TIMEOUT)
            assert descriptors() <= before + 2
        await started(own)
        await wait_until_ready(client, RECOVERY_TIMEOUT)
