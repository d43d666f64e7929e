"""The closed-loop load generator: wrk, with one thread and prepared requests."""

import math
import os
import resource
import signal
import subprocess
import time
from collections.abc import Collection, Iterable
from pathlib import Path

import msgspec

CONNECTIONS = 32
SCRIPT = Path(__file__).parent / "requests.lua"

#: Seconds until wrk counts a request as an error; slow replies shall count as slow.
TIMEOUT = 10

#: Seconds after which wrk ends by itself if it gets no signal.
EXTRA_SECONDS = 10

#: Runs until one has replies, each twice as long as the one before: a disk may stand
#: still for longer than a short run.
RUNS = 4


class Load(msgspec.Struct, frozen=True):
    """The result of a run.

    :ivar p50, p99, longest, mean: latency in milliseconds
    :ivar cpu: CPU seconds of wrk itself
    """

    calls: int
    seconds: float
    p50: float
    p99: float
    longest: float
    mean: float
    errors: int
    cpu: float = 0.0

    @property
    def rate(self) -> float:
        """Calls per second."""
        return self.calls / self.seconds


class FailedLoad(RuntimeError):
    """A run with errors or without replies: it has no valid figures."""


def write_requests(path: Path, requests: Iterable[bytes]) -> None:
    """Writes a request file, in the format of requests.lua."""
    with path.open("wb") as file:
        for request in requests:
            file.write(b"%d\n" % len(request) + request)


def load(
    port: int,
    requests: Path,
    seconds: float,
    cpus: Collection[int] = (),
    connections: int = CONNECTIONS,
) -> Load:
    """Sends the requests of a file, over and over.

    :param seconds: more if there are no replies in this time
    :param cpus: of wrk; empty: any
    :raises FailedLoad: if a request failed, or there were no replies
    """
    for number in range(RUNS):
        result = _run(port, requests, seconds * 2**number, cpus, connections)
        if result.calls:
            break
    else:
        raise FailedLoad(f"no replies in {RUNS} runs")
    return result


def _run(
    port: int,
    requests: Path,
    seconds: float,
    cpus: Collection[int],
    connections: int,
) -> Load:
    """:raises FailedLoad: if a request failed"""
    before = _cpu_of_children()
    process = subprocess.Popen(
        [
            "wrk",
            "-t1",
            f"-c{connections}",
            f"-d{math.ceil(seconds) + EXTRA_SECONDS}s",
            f"--timeout={TIMEOUT}s",
            f"--script={SCRIPT}",
            f"http://127.0.0.1:{port}",
            "--",
            str(requests),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=lambda: os.sched_setaffinity(0, cpus) if cpus else None,
    )
    try:
        assert process.stderr is not None
        if process.stderr.readline() == "ready\n":
            time.sleep(seconds)
        # wrk's -d takes whole seconds only; on SIGINT it ends and prints its results
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate()
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise FailedLoad(output + errors)
    result = msgspec.json.decode(output.splitlines()[-1], type=Load)
    if result.errors:
        raise FailedLoad(output)
    return msgspec.structs.replace(result, cpu=_cpu_of_children() - before)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
