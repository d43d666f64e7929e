"""How much more two workers serve than one.

Where a machine has two cores, two workers that may have both leave none to Tarantool
and to the client. So each gets a part of a core's time and no more, which leaves the
others what they need: `make bench-workers`; with `ARGS=--share=1` there is no bound. A
worker that has had its part of a period is stopped until the next one. One worker and
two take turns, on a store of their own each.
"""

import argparse
import asyncio
import contextlib
import json
import os
import signal
import subprocess
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

import aiohttp

from tests.support.client import Client
from tests.support.service import ServiceProcess, service_process
from tests.support.workers import workers_of

WORKERS = (1, 2)

#: For each of two workers as many as `make bench` has for one.
CONNECTIONS = 64

#: Of a core, for each worker: two of them, Tarantool and wrk fit on two cores.
SHARE = 0.2

#: Seconds in which a worker gets its part: few requests notice.
PERIOD = 0.02

#: Seconds between looks at what it has had, at least.
LOOK = 0.0005

SCRIPT = """
wrk.method, wrk.path = 'POST', '/api/{call}'
wrk.headers['Authorization'] = 'Bearer {token}'
wrk.body = '{body}'
function done(summary)
    local errors = 0
    for _, count in pairs(summary.errors) do errors = errors + count end
    print(summary.requests, summary.duration, errors)
end
"""

BODIES = {"read": {"keys": ["key"]}, "write": {"data": {"key": "a value"}}}


class Turn(NamedTuple):
    """:ivar cpu: seconds of the workers for a second of the turn"""

    calls: float
    cpu: float


def cpu_seconds(pid: int) -> float:
    """All that the process has had, by clock_getcpuclockid(3)."""
    return time.clock_gettime((~pid << 3) | 2)


def hold_back(pid: int, share: float, end: threading.Event) -> None:
    """Lets the process have this part of a core until the end."""
    begin, before = time.monotonic(), cpu_seconds(pid)
    try:
        while not end.is_set():
            next_period = time.monotonic() + PERIOD
            allowed = before + (next_period - begin) * share
            while time.monotonic() < next_period:
                left = allowed - cpu_seconds(pid)
                if left <= 0:
                    os.kill(pid, signal.SIGSTOP)
                    time.sleep(max(0.0, next_period - time.monotonic()))
                else:
                    time.sleep(max(LOOK, left / 2))
            os.kill(pid, signal.SIGCONT)
    finally:
        os.kill(pid, signal.SIGCONT)


@contextlib.contextmanager
def held_back(pids: Sequence[int], share: float) -> Iterator[None]:
    end = threading.Event()
    threads = [
        threading.Thread(target=hold_back, args=(pid, share, end))
        for pid in pids
        if share < 1
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        end.set()
        for thread in threads:
            thread.join()


async def prepare(service: ServiceProcess, folder: Path) -> None:
    """Writes the scripts with which an account reads and writes."""
    async with aiohttp.ClientSession() as session:
        client = await Client(session, service.url).enter()
        assert (await client.post("/api/write", BODIES["write"])).status == 200
    for call, body in BODIES.items():
        script = SCRIPT.format(call=call, token=client.token, body=json.dumps(body))
        (folder / call).write_text(script)


def turn(service: ServiceProcess, script: Path, given: argparse.Namespace) -> Turn:
    workers = workers_of(service)
    before = sum(map(cpu_seconds, workers))
    command = ["wrk", "-t1", f"-c{given.connections}", f"-d{given.seconds}"]
    with held_back(workers, given.share):
        output = subprocess.run(
            [*command, "-s", str(script), service.url],
            check=True,
            capture_output=True,
            text=True,
        ).stdout
    cpu = sum(map(cpu_seconds, workers)) - before
    requests, microseconds, errors = map(int, output.splitlines()[-1].split())
    if errors:
        raise RuntimeError(output)
    return Turn(requests / microseconds * 1e6, cpu / microseconds * 1e6)


def rows(turns: dict[tuple[str, int], list[Turn]]) -> Iterator[str]:
    """The median of the turns, and the least and the most of them."""
    yield "| call | workers | calls/s | times one | cores | µs a call |"
    yield "|---|---|---|---|---|---|"
    for (call, workers), taken in turns.items():
        calls = [turn.calls for turn in taken]
        one = median(turn.calls for turn in turns[call, WORKERS[0]])
        cores = median(turn.cpu for turn in taken)
        cost = median(turn.cpu / turn.calls * 1e6 for turn in taken)
        yield (
            f"| {call} | {workers} "
            f"| {median(calls):,.0f} ({min(calls):,.0f}-{max(calls):,.0f}) "
            f"| {median(calls) / one:.2f} | {cores:.2f} | {cost:.0f} |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--share", type=float, default=SHARE, help="of a core")
    parser.add_argument("--turns", type=int, default=5, help="of each variant")
    parser.add_argument("--seconds", type=int, default=3, help="of a turn")
    given = parser.parse_args()
    turns: dict[tuple[str, int], list[Turn]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        services = {}
        for workers in WORKERS:
            folder = Path(name, str(workers))
            folder.mkdir()
            services[workers] = stack.enter_context(
                service_process(folder, KV_WORKERS=str(workers))
            )
            asyncio.run(prepare(services[workers], folder))
        for _ in range(given.turns):
            for call in BODIES:
                for workers, service in services.items():
                    script = Path(name, str(workers), call)
                    turns[call, workers].append(turn(service, script, given))
    print(f"Each worker may have {given.share:.0%} of a core.", "")
    print(*rows(turns), sep="\n")


if __name__ == "__main__":
    main()
