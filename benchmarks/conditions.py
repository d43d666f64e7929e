"""On what machine, with what versions."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

#: How each program is asked for its version.
ASK = {
    "tarantool": ["tarantool", "--version"],
    "redis-server": ["redis-server", "--version"],
    "etcd": ["etcd", "--version"],
    "wrk": ["wrk", "--version"],
    # webdis has no such option: it would serve
    "webdis": ["dpkg-query", "--show", "--showformat", "${Version}", "webdis"],
}

LIBRARIES = ("aiohttp", "uvloop", "asynctnt", "msgspec")


def conditions() -> Iterator[str]:
    cores = len(os.sched_getaffinity(0))
    yield f"{cores} cores, {_processor()}, {_memory()}, Linux {platform.release()}"
    yield f"load average {os.getloadavg()[0]:.1f} at the end"
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    versions += [f"{program} {_version(program)}" for program in ASK if _has(program)]
    yield ", ".join(versions)


def _has(program: str) -> bool:
    return (
        shutil.which(program) is not None and shutil.which(ASK[program][0]) is not None
    )


def _version(program: str) -> str:
    # wrk prints it and exits with 1
    told = subprocess.run(ASK[program], capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+\S*", told.stdout + told.stderr)
    return found.group() if found else "of an unknown version"


def _processor() -> str:
    found = re.search(
        r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE
    )
    return found.group(1) if found else platform.machine()


def _memory() -> str:
    pages = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{pages / 1024**3:.0f} GiB"
