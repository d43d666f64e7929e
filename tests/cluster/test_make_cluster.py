"""`make cluster`: three nodes and a service on one machine."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import pytest

from service.process.local_cluster import NAMES
from tests.support.client import Client
from tests.support.machine import alive, free_port, wait_until
from tests.support.service import (
    PROCESS_TIMEOUT,
    ServiceProcess,
    service_environ,
    started,
)

MODULE = "service.process.local_cluster"


def command() -> list[str]:
    ports = ",".join(str(free_port()) for _ in NAMES)
    return [sys.executable, "-m", MODULE, "--ports", ports]


def children(pid: int) -> list[int]:
    listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(child) for child in listed.split()]


def test_an_older_tarantool_is_refused_in_one_line(tmp_path: Path) -> None:
    program = tmp_path / "tarantool"
    program.write_text("#!/bin/sh\necho Tarantool 2.6.0-0-g47aa4e01e\n")
    program.chmod(0o755)
    environ = service_environ(tmp_path, PATH=str(tmp_path))
    service = ServiceProcess(tmp_path, environ, command=command())
    with pytest.raises(RuntimeError, match="requires Tarantool 3") as refused:
        service.start()
    assert f"{program} is 2.6.0-0-g47aa4e01e: install it" in str(refused.value)
    assert service.stderr().count("\n") == 1


def test_an_address_of_another_tarantool_is_refused(tmp_path: Path) -> None:
    environ = service_environ(
        tmp_path,
        KV_TARANTOOL_URI="127.0.0.1:3301",
        KV_TARANTOOL_PASSWORD="the password",
        KV_JWT_SECRET="a secret that is long enough for it",
    )
    service = ServiceProcess(tmp_path, environ, command=command())
    with pytest.raises(RuntimeError, match="KV_TARANTOOL_URI: this cluster has"):
        service.start()


@pytest.fixture
def cluster_process(tmp_path: Path) -> Iterator[ServiceProcess]:
    service = ServiceProcess(tmp_path, service_environ(tmp_path), command=command())
    with started(service):
        yield service


@pytest.mark.needs_election
async def test_it_serves_and_ends_with_all_its_children(
    cluster_process: ServiceProcess,
) -> None:
    async with aiohttp.ClientSession() as session:
        client = await Client(session, cluster_process.url).enter()
        assert (await client.write({"key": "value"})).status == 200
        assert (await client.read(["key"])).json["data"] == {"key": "value"}
    nodes = children(cluster_process.pid)
    assert len(nodes) == len(NAMES)
    assert cluster_process.stop(signal.SIGINT) == 0
    assert not any(map(alive, nodes))


@pytest.mark.needs_election
def test_a_killed_node_is_started_again(cluster_process: ServiceProcess) -> None:
    first, *others = children(cluster_process.pid)
    os.kill(first, signal.SIGKILL)

    def is_replaced() -> bool:
        now = children(cluster_process.pid)
        return first not in now and len(now) == len([first, *others])

    wait_until(is_replaced, PROCESS_TIMEOUT)


@pytest.mark.needs_election
def test_no_node_outlives_a_killed_service(cluster_process: ServiceProcess) -> None:
    nodes = children(cluster_process.pid)
    cluster_process.stop(signal.SIGKILL)
    wait_until(lambda: not any(map(alive, nodes)), PROCESS_TIMEOUT)
