"""`ADMIN_LOGIN` before a cluster that has no leader."""

import asyncio
import logging
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web

from service.app import create_app
from service.errors import StartError
from service.settings import Settings
from tests.support.assertions import assert_problem
from tests.support.client import Client
from tests.support.cluster import ELECTION_TIMEOUT, Cluster, Node
from tests.support.machine import wait_until
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
