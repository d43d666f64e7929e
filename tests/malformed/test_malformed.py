"""A short flood of malformed input; `make malformed` is a long one."""

import asyncio
import contextlib
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from random import Random

from service.api.routes import ROUTES
from tests.malformed.flood import Flood, descriptors_of, flooded
from tests.support.machine import ROOT, free_port, wait_until
from tests.support.random_requests import Tokens, head, request
from tests.support.service import PROCESS_TIMEOUT, service_process

REQUESTS = 5000

#: Of the control: what a server with faults keeps of them is twice what is allowed.
FAULTY_REQUESTS = 1500
SEED = 1

#: Connections of clients that leave as soon as they are answered.
LEAVERS = 200


async def test_malformed_input_neither_fails_the_service_nor_fills_its_memory(
    tmp_path: Path,
) -> None:
    outcome, complaints = await flooded(tmp_path, REQUESTS, SEED)
    assert complaints == []
    assert outcome.requests >= REQUESTS
    kinds = {kind.split()[0] for kind in outcome.replies}
    assert kinds >= {"200", "204", "400", "401", "403", "404", "405", "409", "412"}


def test_every_route_has_its_share() -> None:
    random, tokens = Random(SEED), Tokens(["lasting"], "ending")
    made = [(route, request(random, route, tokens)) for route in ROUTES * 50]
    as_wanted = {
        (route.method, route.path)
        for route, sent in made
        if sent.method == route.method and sent.target.startswith(route.path[:8])
    }
    assert as_wanted >= {(r.method, r.path) for r in ROUTES if r.operation is not None}


def test_a_seed_makes_the_same_requests_again() -> None:
    tokens = Tokens(["lasting"], "ending")
    first, again, other = (
        [bytes(request(random, route, tokens)) for route in ROUTES]
        for random in (Random(1), Random(1), Random(2))
    )
    assert first == again != other


@contextlib.contextmanager
def faulty_server(port: int, log: Path) -> Iterator[int]:
    """Its process id."""
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.malformed.faulty", str(port)],
            cwd=ROOT,
            stdout=output,
            stderr=output,
        )
    try:
        wait_until(lambda: listens(port), PROCESS_TIMEOUT)
        yield process.pid
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


async def test_faults_are_noticed(tmp_path: Path) -> None:
    """The control: errors without a problem, stacks in the log, memory that is kept."""
    port, log = free_port(), tmp_path / "log"
    with faulty_server(port, log) as pid:
        url = f"http://127.0.0.1:{port}"
        outcome = await Flood(url, FAULTY_REQUESTS, SEED, {"faulty": pid}).run()
    complaints = outcome.complaints(log.read_text())
    assert any("status=500" in complaint for complaint in complaints)
    assert any(complaint.startswith("Traceback") for complaint in complaints)
    assert any("faulty has grown" in complaint for complaint in complaints)


async def test_clients_that_leave_with_their_reply_leave_nothing_behind(
    tmp_path: Path,
) -> None:
    """In that moment the service neither waits for a request nor answers one."""
    with service_process(tmp_path) as service:
        before = descriptors_of(service.pid)
        for _ in range(LEAVERS):
            reader, writer = await asyncio.open_connection("127.0.0.1", service.port)
            for _ in range(2):
                writer.write(head("GET", "/livez", [], None))
                await reader.readuntil(b"}")
            writer.close()
        await asyncio.to_thread(
            wait_until, lambda: descriptors_of(service.pid) == before, PROCESS_TIMEOUT
        )
