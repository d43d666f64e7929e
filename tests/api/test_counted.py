"""What the service counts of its calls to the storage, of logins and of tokens."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

import aiohttp
import pytest

from service.api.context import METRICS
from service.app import DEFAULT_TUNING, Tuning
from service.process.serving import running
from service.process.sockets import bind
from service.settings import Settings
from service.telemetry.log import Log
from service.telemetry.metrics import Metrics
from tests.support.access_tokens import created, delete_token, using
from tests.support.addresses import coming_from, new_address
from tests.support.client import Client, unique
from tests.support.console import end_tokens
from tests.support.families import Samples, family_of, observations_of, samples_of
from tests.support.machine import wait_until
from tests.support.service import environ_for
from tests.support.tarantool import START_TIMEOUT, Tarantool, Tarantools

#: Seconds, the least.
TTL = 1


class Counted(NamedTuple):
    """A client of a service of its own, and what that counts."""

    client: Client
    metrics: Metrics

    def samples(self, name: str) -> Samples:
        return samples_of(self.metrics.collect(), name)

    def observations(self, name: str, *labels: str) -> int:
        return observations_of(self.metrics.collect(), name, *labels)


@contextlib.asynccontextmanager
async def counted(
    tarantool: Tarantool, tuning: Tuning = DEFAULT_TUNING, **environ: str
) -> AsyncIterator[Counted]:
    settings = Settings.from_env(environ_for(tarantool, **environ))
    async with (
        running(settings, bind(settings), Log(settings), tuning=tuning) as runner,
        aiohttp.ClientSession() as session,
    ):
        client = Client(session, f"http://{settings.host}:{settings.port}")
        async with coming_from(new_address(), client) as visitor:
            yield Counted(visitor, runner.app[METRICS])


@pytest.fixture
async def own(tarantool: Tarantool) -> AsyncIterator[Counted]:
    async with counted(tarantool) as own:
        yield own


async def test_calls_are_counted_by_procedure(own: Counted) -> None:
    name = "kv_storage_call_duration_seconds"
    await own.client.enter()
    await own.client.write({"a": 1})
    await own.client.read(["a"])
    await own.client.read(["a"])
    assert own.observations(name, "kv.v1.create_user") == 1
    assert own.observations(name, "kv.v1.put_each") == 1
    assert own.observations(name, "kv.v1.read_each") == 2
    labels = {labels for labels, _ in family_of(own.metrics.collect(), name).samples}
    assert ("kv.v1.follow",) not in labels


async def test_the_size_of_coalesced_calls_is_observed(own: Counted) -> None:
    await own.client.enter()
    before = own.observations("kv_storage_calls_coalesced")
    await own.client.read(["a"])
    assert own.observations("kv_storage_calls_coalesced") == before + 1


async def test_a_refusal_by_a_rule_is_no_error_of_the_storage(own: Counted) -> None:
    name, password = unique("name"), "a password"
    assert (await own.client.register(name, password)).status == 200
    assert (await own.client.register(name, password)).status == 409
    assert own.samples("kv_storage_errors") == {}


async def test_failed_calls_and_new_connections_are_counted(
    tarantools: Tarantools,
) -> None:
    with tarantools.running() as tarantool:
        async with counted(tarantool) as own:
            await own.client.enter()
            tarantool.console("box.cfg({ read_only = true })")
            assert (await own.client.write({"a": 1})).status == 503
            assert own.samples("kv_storage_errors") == {("not_leader",): 1}
            tarantool.kill()
            assert (await own.client.write({"a": 1})).status == 503
            errors = own.samples("kv_storage_errors")
            assert errors.get(("no_node",), 0) + errors.get(("connection",), 0) > 0
            assert own.samples("kv_storage_reconnects") == {(): 0}
            await asyncio.to_thread(tarantool.start)

            def is_back() -> bool:
                return own.samples("kv_storage_reconnects") == {(): 1}

            await asyncio.to_thread(wait_until, is_back, START_TIMEOUT)


async def test_logins_are_counted_by_their_result(own: Counted) -> None:
    name, password = unique("name"), "a password"
    await own.client.register(name, password)
    assert (await own.client.login(name, password)).status == 200
    for _ in range(5):
        assert (await own.client.login(name, "another")).status == 401
    assert own.samples("kv_logins") == {("ok",): 1, ("wrong",): 5}
    assert own.observations("kv_password_check_duration_seconds") == 6
    while (await own.client.login(name, "another")).status == 401:
        pass
    assert own.samples("kv_logins")[("throttled",)] == 1


async def test_logins_beyond_the_queue_are_counted(tarantool: Tarantool) -> None:
    tuning = Tuning(max_waiting=1)
    async with counted(tarantool, tuning, KV_BCRYPT_ROUNDS="10") as own:
        replies = await asyncio.gather(
            *(own.client.login(unique("name"), "a password") for _ in range(8))
        )
        overloaded = sum(reply.status == 503 for reply in replies)
        assert overloaded > 0
        assert own.samples("kv_logins")[("overloaded",)] == overloaded


async def test_refused_tokens_are_counted_by_the_reason(
    own: Counted, tarantool: Tarantool
) -> None:
    name = unique("name")
    assert (await own.client.read(["a"])).status == 403
    await own.client.register(name, "a password")
    await own.client.login(name, "a password")
    assert own.samples("kv_tokens_refused") == {("missing",): 1}
    end_tokens(tarantool, name)
    assert (await own.client.read(["a"])).status == 403
    own.client.token = "forged"
    assert (await own.client.read(["a"])).status == 403
    assert own.samples("kv_tokens_refused") == {
        ("missing",): 1,
        ("revoked",): 1,
        ("invalid",): 1,
    }


async def test_refused_access_tokens_are_counted_by_the_reason(own: Counted) -> None:
    await own.client.enter()
    token = await created(own.client)
    program = using(own.client, token["token"])
    assert (await program.read(["a"])).status == 200
    assert (await program.post("/api/logout")).status == 403
    assert own.samples("kv_tokens_refused") == {}
    await delete_token(own.client, token["id"])
    assert (await program.read(["a"])).status == 403
    assert (await using(own.client, "kvt_x").read(["a"])).status == 403
    assert own.samples("kv_tokens_refused") == {("revoked",): 1, ("invalid",): 1}


async def test_an_expired_token_is_counted(tarantool: Tarantool) -> None:
    async with counted(tarantool, KV_TOKEN_TTL=str(TTL)) as own:
        await own.client.enter()
        await asyncio.sleep(TTL + 1)
        assert (await own.client.read(["a"])).status == 403
        assert own.samples("kv_tokens_refused") == {("expired",): 1}
