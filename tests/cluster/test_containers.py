"""docker-compose.cluster.yml in a Docker engine, with clients of both services.

Without nginx: the configuration needs its `resolve`, and Debian's version has none.
"""

import asyncio
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from service.process.local_cluster import NAMES
from tests.support.client import Client
from tests.support.machine import ROOT
from tests.support.tarantool import docker_engine

pytestmark = pytest.mark.needs_election

PROJECT = "kv-tests-cluster"
BASE = f"{PROJECT}/tarantool-base"
SERVICES = ("service-1", "service-2")

#: Returns when the services are healthy.
UP = ("up", "--detach", "--wait", "--wait-timeout", "120", *SERVICES)

COMPOSE = ("docker", "compose", "-p", PROJECT, "-f", "docker-compose.cluster.yml")

#: Seconds that a write may take then, on a busy machine.
FAILOVER = 10.0

#: Prints whether the node leads. The console greets with two lines.
LEADS = """
local path = 'var/run/%s/tarantool.control'
local console = require('socket').tcp_connect('unix/', path)
console:read('\\n')
console:read('\\n')
console:write("return box.info.election.state == 'leader'\\n")
print(console:read('...\\n'))
os.exit()
"""


def run(*command: str, environ: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=os.environ | (environ or {}),
        stdout=subprocess.PIPE,
        check=True,
        text=True,
    )
    return done.stdout


@pytest.fixture
def base(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A base image of Debian's Tarantool gets the program of this test run."""
    given = os.environ.get("TARANTOOL_IMAGE")
    program = shutil.which(os.environ.get("TARANTOOL", "tarantool"))
    if given is None or program is None:
        yield {}
        return
    shutil.copy(program, tmp_path / "tarantool")
    dockerfile = f"FROM {given}\nCOPY tarantool /usr/bin/tarantool\n"
    (tmp_path / "Dockerfile").write_text(dockerfile)
    run("docker", "build", "-q", "-t", BASE, str(tmp_path))
    yield {"TARANTOOL_IMAGE": BASE}
    run("docker", "image", "rm", "--force", BASE)


@pytest.fixture
def containers() -> Iterator[None]:
    """Removes all that the test leaves."""
    if not docker_engine() and not os.environ.get("CI"):
        pytest.skip("no Docker engine")
    yield
    # not --rmi: several services share an image, and their removals race for it
    run(*COMPOSE, "down", "--volumes")
    images = [f"{PROJECT}-{name}" for name in (*NAMES, *SERVICES, "secrets")]
    run("docker", "image", "rm", "--force", *images)


def inspected(name: str) -> Any:
    (container,) = json.loads(run("docker", "inspect", f"{PROJECT}-{name}-1"))
    return container


def url(name: str) -> str:
    (network,) = inspected(name)["NetworkSettings"]["Networks"].values()
    return f"http://{network['IPAddress']}:5000"


def leader() -> str:
    for name in NAMES:
        command = ("exec", "-T", name, "tarantool", "-e", LEADS % name)
        if "true" in run(*COMPOSE, *command):
            return name
    raise AssertionError("no node leads")


async def test_the_containers_survive_the_loss_of_the_leader(
    containers: None, base: dict[str, str]
) -> None:
    run(*COMPOSE, "build", *NAMES, *SERVICES, "secrets", environ=base)
    run(*COMPOSE, *UP, environ=base)
    async with aiohttp.ClientSession() as session:
        first, second = (Client(session, url(name)) for name in SERVICES)
        await first.enter()
        second.token = first.token
        assert (await first.write({"before": 1})).status == 200

        lost = leader()
        run("docker", "kill", f"{PROJECT}-{lost}-1")
        async with asyncio.timeout(FAILOVER):
            assert (await second.write({"after": 2})).status == 200
        for client in (first, second):
            data = (await client.read(["before", "after"])).json["data"]
            assert data == {"before": 1, "after": 2}

        # the volumes keep the data, the secrets and the members of the cluster
        run(*COMPOSE, "down")
        run(*COMPOSE, *UP, environ=base)
        again = Client(session, url(SERVICES[0]))
        again.token = first.token
        assert (await again.read(["after"])).json["data"] == {"after": 2}
        assert len(inspected(lost)["Mounts"]) == 2
