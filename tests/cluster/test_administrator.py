"""`ADMIN_LOGIN` before a cluster that has no leader."""

import asyncio
import logging
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from service.app import create_app
from service.errors import StartError
from service.settings import Settings
from tests.support.assertions import assert_problem
from tests.support.client import Client
from tests.support.cluster import ELECTION_TIMEOUT, Cluster, Node
from tests.support.machine import POLL_INTERVAL, wait_until
from tests.support.service import Serve, environ_for, service_process

pytestmark = pytest.mark.needs_election

PASSWORD = "the password of the administrator"
ADMIN = {"ADMIN_LOGIN": "admin", "ADMIN_PASSWORD": PASSWORD}

#: Of the log line without a leader.
NOT_YET = "the account of ADMIN_LOGIN cannot be set up yet"


@pytest.fixture
def followers(cluster: Cluster) -> list[Node]:
    """The followers, killed: the node that is left does not lead."""
    killed = cluster.followers()
    for node in killed:
        node.kill()
    wait_until(lambda: cluster.leader() is None, ELECTION_TIMEOUT)
    return killed


async def assert_not_ready(client: Client) -> None:
    assert (await client.request("GET", "/livez")).status == 200
    assert (await client.request("GET", "/readyz")).status == 503
    assert_problem(await client.register("admin", "of a visitor"), 409, "user_exists")
    assert_problem(await client.register("visitor", "password"), 503, "no_quorum")


async def assert_created(client: Client) -> None:
    """Waits for the account."""
    await client.login_when_possible("admin", PASSWORD, ELECTION_TIMEOUT)
    assert (await client.request("GET", "/readyz")).status == 200
    assert (await client.write({"any key": 1})).status == 200


async def test_the_service_starts_without_a_leader_and_creates_it_later(
    cluster: Cluster,
    followers: list[Node],
    serve: Serve,
    caplog: pytest.LogCaptureFixture,
) -> None:
    uris = {"KV_TARANTOOL_URI": cluster.uris, "KV_FAILOVER_WAIT": "1"}
    with caplog.at_level(logging.INFO):
        async with serve(cluster.nodes[0], **uris, **ADMIN) as client:
            await assert_not_ready(client)
            await asyncio.sleep(2)  # attempts that fail
            await asyncio.to_thread(cluster.start, *followers)
            await assert_created(client)
            assert_problem(await client.register("admin", "x"), 409, "user_exists")
    assert caplog.text.count(NOT_YET) == 1
    assert PASSWORD not in caplog.text


async def test_each_of_several_workers_starts_without_a_leader(
    cluster: Cluster, followers: list[Node], tmp_path: Path
) -> None:
    environ = environ_for(
        followers[0],
        KV_TARANTOOL_URI=cluster.uris,
        KV_FAILOVER_WAIT="1",
        KV_WORKERS="2",
        **ADMIN,
    )
    with service_process(tmp_path, **environ) as process:
        async with aiohttp.ClientSession() as session:
            client = Client(session, process.url)
            await assert_not_ready(client)
            await asyncio.to_thread(cluster.start, *followers)
            await assert_created(client)


@pytest.mark.parametrize("name", ["x" * 65, "a\tb"])
async def test_a_wrong_name_is_refused_without_a_leader(
    cluster: Cluster, followers: list[Node], name: str
) -> None:
    given = ADMIN | {"ADMIN_LOGIN": name, "KV_TARANTOOL_URI": cluster.uris}
    settings = Settings.from_env(environ_for(followers[0], **given))
    runner = web.AppRunner(create_app(settings))
    with pytest.raises(StartError, match="ADMIN_LOGIN and ADMIN_PASSWORD: /username"):
        await runner.setup()
    await runner.cleanup()


async def nodes_of(client: Client) -> dict[str, Any]:
    """The nodes in the status, by their names."""
    reply = await client.request("GET", "/api/admin/status")
    assert reply.status == 200, reply.text
    return {node.pop("name"): node for node in reply.json["nodes"]}


async def nodes_without(client: Client, name: str) -> dict[str, Any]:
    """The nodes when this one is not connected any more."""
    for _ in range(int(ELECTION_TIMEOUT / POLL_INTERVAL)):
        nodes = await nodes_of(client)
        if not nodes[name]["connected"]:
            return nodes
        await asyncio.sleep(POLL_INTERVAL)
    raise TimeoutError(name)


async def test_the_status_shows_each_node_with_its_role_and_lag(
    cluster: Cluster, serve: Serve
) -> None:
    leader = cluster.wait_for_leader()
    lost, other = cluster.followers()
    async with serve(leader, KV_TARANTOOL_URI=cluster.uris, **ADMIN) as client:
        await client.login_when_possible("admin", PASSWORD, ELECTION_TIMEOUT)
        nodes = await nodes_of(client)
        roles = {name: node["role"] for name, node in nodes.items()}
        assert roles == {
            leader.name: "leader",
            lost.name: "follower",
            other.name: "follower",
        }
        for node in nodes.values():
            assert node["connected"] is True
            assert 0 <= node["lag"] < ELECTION_TIMEOUT
        assert nodes[leader.name]["idle"] is None
        assert nodes[other.name]["idle"] >= 0
        lost.kill()
        nodes = await nodes_without(client, lost.name)
        assert nodes[lost.name]["lag"] is None
        assert nodes[other.name]["connected"] is True


async def test_the_last_administrator_of_a_cluster_remains(
    cluster: Cluster, serve: Serve
) -> None:
    leader = cluster.wait_for_leader()
    async with serve(leader, KV_TARANTOOL_URI=cluster.uris, **ADMIN) as client:
        await client.login_when_possible("admin", PASSWORD, ELECTION_TIMEOUT)
        path = "/api/admin/account?username=admin"
        for change in {"disabled": True}, {"administrator": False}:
            reply = await client.request("PATCH", path, change)
            assert_problem(reply, 409, "last_administrator")
        reply = await client.request("DELETE", path)
        assert_problem(reply, 409, "last_administrator")
        body = {"username": "eve", "password": "password", "administrator": True}
        assert (await client.post("/api/admin/accounts", body)).status == 200
        assert (await client.request("DELETE", path)).status == 200
