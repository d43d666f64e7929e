"""The processes of a service with several workers, and clients of one of them."""

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp

from tests.support.client import Client
from tests.support.machine import alive, command_line, free_port
from tests.support.service import ServiceProcess

#: To be connected to a worker: each of two is as likely as the other.
ATTEMPTS = 64


def children(pid: int) -> list[int]:
    """The children that are alive."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [child for child in map(int, found) if alive(child)]


def arbiters_of(service: ServiceProcess) -> list[int]:
    """The arbiters: one, or none if the service is the only worker."""
    return [
        child
        for child in children(service.pid)
        if "service.process.gunicorn_arbiter" in command_line(child)
    ]


def workers_of(service: ServiceProcess) -> list[int]:
    workers = [pid for arbiter in arbiters_of(service) for pid in children(arbiter)]
    return workers or [service.pid]


def has_connection(worker: int, port: int, client_port: int) -> bool:
    """Whether the worker's end of this connection is open."""
    ends = f":{port:04X}", f":{client_port:04X}"
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if (fields[1][-5:], fields[2][-5:]) == ends:
            break
    else:
        return False
    descriptors = Path(f"/proc/{worker}/fd").iterdir()
    return f"socket:[{fields[9]}]" in {str(each.readlink()) for each in descriptors}


@contextlib.asynccontextmanager
async def client_of(service: ServiceProcess, worker: int) -> AsyncIterator[Client]:
    """A client with a single connection, to this worker."""
    for _ in range(ATTEMPTS):
        port = free_port()
        connector = aiohttp.TCPConnector(limit=1, local_addr=("127.0.0.1", port))
        async with aiohttp.ClientSession(connector=connector) as session:
            client = Client(session, service.url)
            assert (await client.request("GET", "/livez")).status == 200
            if has_connection(worker, service.port, port):
                yield client
                return
    raise RuntimeError(f"no connection to {worker} in {ATTEMPTS} attempts")
