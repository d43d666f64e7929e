"""The load: wrk, with one thread, which sends requests that were made beforehand."""

import math
import os
import resource
import signal
import subprocess
import time
from collections.abc import Collection
from pathlib import Path

import msgspec

CONNECTIONS = 32
SCRIPT = Path(__file__).parent / "requests.lua"

#: Seconds for a reply: a slow one counts for what it took, and not as an error.
TIMEOUT = 10

#: Seconds that wrk goes on by itself when nobody stops it.
LEFT_ALONE = 10


class Load(msgspec.Struct, frozen=True):
    """:ivar p50, p99: milliseconds
    :ivar cpu: seconds that wrk itself used
    """

    calls: int
    seconds: float
    p50: float
    p99: float
    errors: int
    cpu: float = 0.0


class FaultyLoad(RuntimeError):
    """There were errors, or no replies: what came of it is no figure."""


def load(port: int, requests: Path, seconds: float, cpus: Collection[int]) -> Load:
    """:raises FaultyLoad:"""
    before = _cpu_of_children()
    process = subprocess.Popen(
        [
            "wrk",
            "-t1",
            f"-c{CONNECTIONS}",
            f"-d{math.ceil(seconds) + LEFT_ALONE}s",
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
        # its own clock knows whole seconds only; it ends a run well on this signal
        process.send_signal(signal.SIGINT)
        output, complaints = process.communicate()
    finally:
        process.kill()
        process.wait()
    if process.returncode != 0:
        raise FaultyLoad(output + complaints)
    found = msgspec.json.decode(output.splitlines()[-1], type=Load)
    if found.errors or not found.calls:
        raise FaultyLoad(output)
    return msgspec.structs.replace(found, cpu=_cpu_of_children() - before)


def _cpu_of_children() -> float:
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
