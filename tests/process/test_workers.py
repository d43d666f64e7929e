"""Several worker processes behind one port act as one service."""

import asyncio
import contextlib
import json
import os
import signal
import socket
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.access_tokens import created, delete_token, using
from tests.support.addresses import FREE
from tests.support.assertions import assert_problem
from tests.support.certificates import Authority, Pair
from tests.support.client import Client, Reply, unique
from tests.support.machine import POLL_INTERVAL, alive, wait_until
from tests.support.raw_http import SlowWrite, http, kept_alive
from tests.support.service import (
    PROCESS_TIMEOUT,
    ServiceProcess,
    environ_for,
    refusal,
    refuses_connections,
    service_environ,
    service_process,
)
from tests.support.tarantool import Tarantool
from tests.support.workers import arbiters_of, children, client_of, workers_of

#: Clients that send one request after the other.
CLIENTS = 8

#: Seconds between the requests of a connection.
PAUSES = (0.0, 0.05, 0.3)

WATCH = "/api/changes?wait={}"

#: Seconds in which an orphan is gone, or the dead are replaced.
TIMEOUT = 5.0


def of_two(tarantool: Tarantool, **more: str) -> dict[str, str]:
    return environ_for(tarantool, KV_WORKERS="2", **more)


@pytest.fixture
def service(tmp_path: Path, tarantool: Tarantool) -> Iterator[ServiceProcess]:
    with service_process(tmp_path, **of_two(tarantool)) as service:
        yield service


@pytest.fixture
async def pair_of_clients(service: ServiceProcess) -> AsyncIterator[list[Client]]:
    """Two clients of one account; each talks to a worker of its own."""
    one, other = workers_of(service)
    async with client_of(service, one) as first, client_of(service, other) as second:
        second.token = (await first.enter()).token
        yield [first, second]


class Load:
    """Clients that write, each to a key of its own, until `stop` is set."""

    def __init__(self, url: str, token: str | None) -> None:
        self.url = url
        self.token = token
        self.outcomes: Counter[str] = Counter()
        self.written: dict[str, int] = {}
        self._end = asyncio.Event()

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        async with contextlib.AsyncExitStack() as stack:
            tasks = []
            for _ in range(CLIENTS):
                session = await stack.enter_async_context(aiohttp.ClientSession())
                tasks.append(asyncio.create_task(self._write(session)))
            try:
                await asyncio.sleep(0.2)
                yield
                await asyncio.sleep(0.2)
            finally:
                self._end.set()
                await asyncio.gather(*tasks)

    async def _write(self, session: aiohttp.ClientSession) -> None:
        client, key, number = Client(session, self.url), unique("load"), 0
        client.token = self.token
        while not self._end.is_set():
            number += 1
            try:
                status = (await client.write({key: number})).status
            except aiohttp.ClientError as error:
                self.outcomes[type(error).__name__] += 1
                continue
            self.outcomes[str(status)] += 1
            if status == 200:
                self.written[key] = number


# One store, one account, one set of limits


async def test_a_write_through_one_worker_is_read_through_another_at_once(
    pair_of_clients: list[Client],
) -> None:
    key = unique("k")
    for number in range(100):
        writer, reader = pair_of_clients[number % 2], pair_of_clients[1 - number % 2]
        assert (await writer.write({key: number})).status == 200
        assert (await reader.read([key])).json == {"data": {key: number}}


async def test_a_token_revoked_through_one_worker_is_refused_by_another_at_once(
    pair_of_clients: list[Client],
) -> None:
    one, other = pair_of_clients
    assert (await other.read(["k"])).status == 200
    assert (await one.post("/api/logout")).status == 200
    assert_problem(await other.read(["k"]), 403, "token_revoked")


async def test_an_access_token_revoked_through_one_worker_ends_at_another(
    pair_of_clients: list[Client],
) -> None:
    one, other = pair_of_clients
    token = await created(one)
    program = using(other, token["token"])
    assert (await program.write({unique("key"): 1})).status == 200
    poll = asyncio.create_task(
        program.request("GET", f"/api/changes?prefix={unique('none')}&wait=30")
    )
    await asyncio.sleep(0.2)
    await delete_token(one, token["id"])
    assert_problem(await poll, 403, "token_revoked")
    assert_problem(await program.read(["k"]), 403, "token_revoked")


async def test_a_watcher_at_one_worker_receives_a_write_through_another(
    pair_of_clients: list[Client],
) -> None:
    one, other = pair_of_clients
    prefix = unique("watched")
    before = await other.write({unique("k"): 1})
    path = f"/api/changes?since={before.revision}&prefix={prefix}&wait=30"
    watching = asyncio.create_task(one.request("GET", path))
    await asyncio.sleep(0.2)  # it waits
    written = await other.write({prefix: 1})
    (change,) = (await asyncio.wait_for(watching, TIMEOUT)).json["changes"]
    assert change == {"revision": written.revision, "data": {prefix: 1}, "deleted": []}


async def test_a_request_retried_at_another_worker_is_applied_once(
    pair_of_clients: list[Client],
) -> None:
    key, headers = unique("k"), {"Idempotency-Key": unique("try")}

    async def count(client: Client) -> Reply:
        return await client.post("/api/increment", {"data": {key: 1}}, headers=headers)

    first, second = [await count(client) for client in pair_of_clients]
    assert first.json == second.json == {"data": {key: 1}}
    assert first.revision == second.revision


async def test_failed_logins_count_across_workers(
    pair_of_clients: list[Client],
) -> None:
    name = unique("user")
    assert (await pair_of_clients[0].register(name, "right")).status == 200
    for number in range(FREE):
        reply = await pair_of_clients[number % 2].login(name, f"wrong {number}")
        assert_problem(reply, 401, "invalid_credentials")
    for client in pair_of_clients:
        reply = await client.login(name, "wrong")
        assert_problem(reply, 429, "too_many_attempts")


async def test_a_limit_of_the_service_is_divided_among_workers(
    tmp_path: Path, tarantool: Tarantool
) -> None:
    environ = of_two(tarantool, KV_MAX_WATCHERS="2")
    with service_process(tmp_path, **environ) as service:
        one, other = workers_of(service)
        async with (
            client_of(service, one) as first,
            client_of(service, one) as beyond,
            client_of(service, other) as elsewhere,
        ):
            token = (await first.enter()).token
            beyond.token = elsewhere.token = token

            async def watch() -> None:
                while True:
                    await first.request("GET", WATCH.format(30))

            watching = asyncio.create_task(watch())
            async with asyncio.timeout(TIMEOUT):
                status = 200
                while status == 200:
                    refused = await beyond.request("GET", WATCH.format(POLL_INTERVAL))
                    status = refused.status
            assert_problem(refused, 503, "overloaded")
            reply = await elsewhere.request("GET", WATCH.format(0.1))
            assert reply.status == 200
            watching.cancel()


async def test_the_administrator_exists_when_the_workers_serve(
    tmp_path: Path, tarantool: Tarantool
) -> None:
    admin = {"ADMIN_LOGIN": unique("admin"), "ADMIN_PASSWORD": "a secret password"}
    with service_process(tmp_path, **of_two(tarantool, **admin)) as service:
        for worker in workers_of(service):
            async with client_of(service, worker) as client:
                reply = await client.login(*admin.values())
                assert reply.status == 200
    assert "a secret password" not in service.stderr()


# The end of one, and of all


async def test_a_killed_worker_is_replaced_and_no_acknowledged_write_is_lost(
    service: ServiceProcess,
) -> None:
    before = workers_of(service)
    victim, spared = before
    async with client_of(service, spared) as unharmed:
        load = Load(service.url, (await unharmed.enter()).token)
        key = unique("k")
        async with load.running():
            os.kill(victim, signal.SIGKILL)
            for number in range(100):
                assert (await unharmed.write({key: number})).status == 200
        assert load.outcomes["200"] > CLIENTS
        assert set(load.outcomes) <= {
            "200",
            "ServerDisconnectedError",
            "ClientOSError",
        }
        assert (await unharmed.read(list(load.written))).json["data"] == load.written
    wait_until(lambda: len(workers_of(service)) == 2, TIMEOUT)
    assert spared in workers_of(service)
    (newcomer,) = set(workers_of(service)) - {spared}
    wait_until(lambda: service.stderr().count("connected to Tarantool") == 4, TIMEOUT)
    async with client_of(service, newcomer) as client:
        assert (await client.request("GET", "/readyz")).status == 200
    assert service.stop() == 0


async def test_a_reload_replaces_all_workers_and_no_request_fails(
    service: ServiceProcess, pair_of_clients: list[Client]
) -> None:
    before = set(workers_of(service))
    load = Load(service.url, pair_of_clients[0].token)

    def replaced() -> bool:
        present = workers_of(service)
        return not before & {*present} and len(present) == len(before)

    async with load.running():
        service.send(signal.SIGHUP)
        await asyncio.to_thread(wait_until, replaced, PROCESS_TIMEOUT)
    assert set(load.outcomes) == {"200"}
    assert service.stop() == 0
    assert " ERROR " not in service.stderr()


async def test_a_stop_under_load_ends_well_with_exit_code_0(
    service: ServiceProcess, pair_of_clients: list[Client]
) -> None:
    one, other = pair_of_clients
    writes = [SlowWrite(client, {unique("k"): "v"}) for client in (one, other)]
    load = Load(service.url, one.token)
    async with load.running():
        for write in writes:
            await write.begin()
        service.send(signal.SIGTERM)
        await asyncio.to_thread(
            wait_until, lambda: refuses_connections(service), TIMEOUT
        )
        for write in writes:
            assert (await write.finish()).startswith(b"HTTP/1.1 200 OK")
            write.close()
    # a new connection is refused, or reset, when no socket listens any more
    assert set(load.outcomes) <= {"200", "ClientConnectorError", "ClientOSError"}
    assert service.exit_code() == 0
    assert service.stderr().count("service.process.run: stopped\n") == 1


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_stop_loses_no_request_of_connections_that_are_kept_alive(
    tmp_path: Path, tarantool: Tarantool, workers: str
) -> None:
    """Some of them are idle when the stop begins."""
    environ = environ_for(tarantool, KV_WORKERS=workers)
    with service_process(tmp_path, **environ) as service:
        async with aiohttp.ClientSession() as session:
            client = await Client(session, service.url).enter()

        async def write_until_close(pause: float) -> None:
            body = json.dumps({"data": {unique("k"): "v"}}).encode()
            write = http("POST", "/api/write", body=body, token=client.token)
            async with kept_alive(client) as send:
                while True:
                    reply = await send(write)
                    assert reply.status == 200
                    if reply.headers.get("Connection") == "close":
                        break
                    await asyncio.sleep(pause)

        async with asyncio.TaskGroup() as writing:
            for pause in PAUSES * CLIENTS:
                writing.create_task(write_until_close(pause))
            await asyncio.sleep(2 * max(PAUSES))
            service.send(signal.SIGTERM)
        assert service.exit_code() == 0


def test_a_killed_service_leaves_nothing_behind(tmp_path: Path) -> None:
    with service_process(tmp_path, KV_WORKERS="2") as service:
        family = [*children(service.pid), *workers_of(service)]
        assert len(family) == 4
        service.stop(signal.SIGKILL)
        wait_until(lambda: not any(map(alive, family)), TIMEOUT)
        service.start()
        assert service.stop() == 0


def test_without_their_manager_the_service_ends(tmp_path: Path) -> None:
    with service_process(tmp_path, KV_WORKERS="2") as service:
        family = [*children(service.pid), *workers_of(service)]
        (arbiter,) = arbiters_of(service)
        os.kill(arbiter, signal.SIGKILL)
        assert service.exit_code() == 1
        assert "kv: the workers have ended (-9)\n" in service.stderr()
        wait_until(lambda: not any(map(alive, family)), TIMEOUT)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_the_workers_with_exit_code_0(
    service: ServiceProcess, number: signal.Signals
) -> None:
    assert service.stop(number) == 0
    log = service.stderr()
    assert log.count(f"serving on 127.0.0.1:{service.port}\n") == 1
    assert " WARNING " not in log
    assert service.stdout() == ""


def test_gunicorn_takes_no_orders_from_the_environment(
    tmp_path: Path, tarantool: Tarantool
) -> None:
    orders = {
        "GUNICORN_CMD_ARGS": "--workers 3 --access-logfile -",
        "WEB_CONCURRENCY": "many",
    }
    with service_process(tmp_path, **of_two(tarantool, **orders)) as service:
        assert len(workers_of(service)) == 2


# TLS


async def test_a_new_certificate_is_served_after_a_reload(
    tmp_path: Path, tarantool: Tarantool, authority: Authority, pair: Pair
) -> None:
    environ = of_two(tarantool, **pair.environ())
    with service_process(tmp_path, **environ) as service:
        before = workers_of(service)
        pair.certificate.write_text("no certificate")
        service.send(signal.SIGHUP)
        wait_until(lambda: "was not reloaded" in service.stderr(), TIMEOUT)
        assert workers_of(service) == before
        os.kill(before[0], signal.SIGKILL)
        wait_until(lambda: "a worker cannot start: KV_TLS" in service.stderr(), TIMEOUT)
        pair.renew()
        service.send(signal.SIGHUP)
        wait_until(lambda: not {*before} & {*workers_of(service)}, PROCESS_TIMEOUT)
        with (
            socket.create_connection(("127.0.0.1", service.port), TIMEOUT) as plain,
            authority.context().wrap_socket(
                plain, server_hostname="127.0.0.1"
            ) as secure,
        ):
            assert secure.getpeercert(binary_form=True) == pair.in_file()
        assert service.stop() == 0


# Starts that are refused


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        reason = refusal(service_environ(tmp_path, KV_PORT=port, KV_WORKERS="2"))
    assert reason == f"cannot listen on 127.0.0.1:{port}: Address already in use"


def test_a_wrong_password_of_tarantool(tarantool: Tarantool) -> None:
    environ = of_two(tarantool) | {"KV_TARANTOOL_PASSWORD": "a wrong password"}
    assert "wrong password for the user" in refusal(environ)
