"""`make cluster`: three nodes and a service on one machine."""

import asyncio
import contextlib
import os
import shutil
import signal
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import aiohttp
import pytest

from service.errors import StartError
from service.process.embedded_tarantool import DataFolder
from service.process.local_cluster import DIFFERENT_LEADER, NAMES, LocalNode
from tests.support.client import Client
from tests.support.machine import alive, free_port, wait_until
from tests.support.service import (
    PROCESS_TIMEOUT,
    ServiceProcess,
    service_environ,
    started,
)

LOOPBACK = ("127.0.0.1", 0)

MODULE = "service.process.local_cluster"


def command(second_port: int | None = None) -> list[str]:
    numbers = [free_port() for _ in NAMES]
    if second_port is not None:
        numbers[1] = second_port
    return [sys.executable, "-m", MODULE, "--ports", ",".join(map(str, numbers))]


async def greet_as_tarantool(
    _: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    writer.write(b"Tarantool 3.8.0 (Binary)\n")
    writer.close()


def greet(server: socket.socket, greeting: bytes) -> None:
    """Sends this to every client, until the server is shut down."""
    with contextlib.suppress(OSError):
        while True:
            with server.accept()[0] as connection:
                connection.sendall(greeting)


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


@pytest.mark.needs_election
@pytest.mark.parametrize("greeting", [b"Tarantool 3.8.0 (Binary)\n", b"220 ready\n"])
def test_a_port_in_use_is_refused_in_one_line(tmp_path: Path, greeting: bytes) -> None:
    """A Tarantool of another program is not taken for a node."""
    with ThreadPoolExecutor() as threads, socket.create_server(LOOPBACK) as other:
        threads.submit(greet, other, greeting)
        port = other.getsockname()[1]
        service = ServiceProcess(
            tmp_path, service_environ(tmp_path), command=command(second_port=port)
        )
        try:
            with pytest.raises(RuntimeError) as refused:
                service.start()
        finally:
            service.stop(signal.SIGKILL)
            other.shutdown(socket.SHUT_RDWR)
    name = Path("/proc/self/comm").read_text().strip()
    assert str(refused.value).endswith(
        f"kv: cannot start: cannot listen on 127.0.0.1:{port}: "
        f"Address already in use ({name}, process {os.getpid()})\n"
    )
    assert service.stderr().count("\n") == 1


#: Instead of Tarantool: its port has been taken since it was checked.
FINDS_ITS_PORT_TAKEN = """#!/bin/sh
sleep 0.5
echo "main F> can't initialize storage: bind: Address already in use" >&2
exit 1
"""


async def test_another_tarantool_is_not_taken_for_a_node(tmp_path: Path) -> None:
    program = tmp_path / "tarantool"
    program.write_text(FINDS_ITS_PORT_TAKEN)
    program.chmod(0o755)
    folder = DataFolder(tmp_path / "data")
    await folder.acquire()
    server = await asyncio.start_server(greet_as_tarantool, *LOOPBACK)
    async with server:
        port = server.sockets[0].getsockname()[1]
        node = LocalNode(str(program), NAMES[0], port, folder)
        node.configure("", {})
        await node.spawn()
        with pytest.raises(StartError, match=r"did not start: .*in use"):
            await node.started()
    folder.release()


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


#: Instead of Tarantool, with its path: at its first start the second node gives up.
MISSES_ITS_PEERS = """#!/bin/sh
if [ "$2" = tarantool-2 ] && mkdir "$(dirname "$0")/given_up"; then
    echo "main F> can't initialize storage: {reason}" >&2
    exit 1
fi
exec {program} "$@"
"""


@pytest.mark.needs_election
@pytest.mark.parametrize(
    ("reason", "line"),
    [
        ("failed to connect", "tarantool-2 ended (can't initialize"),
        (f"Replica 1 {DIFFERENT_LEADER} 2", "restart of all nodes"),
    ],
)
def test_a_node_that_gives_up_on_the_others_is_started_again(
    tmp_path: Path, reason: str, line: str
) -> None:
    program = tmp_path / "bin" / "tarantool"
    program.parent.mkdir()
    real = shutil.which("tarantool")
    program.write_text(MISSES_ITS_PEERS.format(program=real, reason=reason))
    program.chmod(0o755)
    path = f"{program.parent}:{os.environ['PATH']}"
    service = ServiceProcess(
        tmp_path, service_environ(tmp_path, PATH=path), command=command()
    )
    with started(service):
        assert (program.parent / "given_up").exists()
        assert service.stderr().count(line) == 1


@pytest.mark.needs_election
def test_no_node_outlives_a_killed_service(cluster_process: ServiceProcess) -> None:
    nodes = children(cluster_process.pid)
    cluster_process.stop(signal.SIGKILL)
    wait_until(lambda: not any(map(alive, nodes)), PROCESS_TIMEOUT)
