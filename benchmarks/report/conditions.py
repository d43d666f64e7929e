"""The conditions of a run: the machine, and the versions of all programs."""

import importlib.metadata
import os
import platform
import re
import shutil
import subprocess
from collections.abc import Collection, Iterator
from pathlib import Path

#: The command that prints the version of each program.
VERSION_COMMANDS = {
    "redis-server": ["redis-server", "--version"],
    "etcd": ["etcd", "--version"],
    "wrk": ["wrk", "--version"],
    # webdis has no such option: it would start to serve
    "webdis": ["dpkg-query", "--show", "--showformat", "${Version}", "webdis"],
}

LIBRARIES = ("aiohttp", "uvloop", "asynctnt", "msgspec")


def conditions(
    tarantool: str, programs: Collection[str] = VERSION_COMMANDS
) -> Iterator[str]:
    """The machine, its load, and the versions of libraries and installed programs.

    :param tarantool: the version of the instances that ran
    :param programs: names of other programs
    """
    cores = len(os.sched_getaffinity(0))
    yield f"{cores} cores, {_processor()}, {_memory()}, Linux {platform.release()}"
    yield f"load average {os.getloadavg()[0]:.1f} at the end"
    versions = [f"Python {platform.python_version()}"]
    versions += [f"{name} {importlib.metadata.version(name)}" for name in LIBRARIES]
    versions.append(f"tarantool {tarantool}")
    versions += [
        f"{program} {_version(command)}"
        for program, command in VERSION_COMMANDS.items()
        if program in programs
        and shutil.which(program) is not None
        and shutil.which(command[0]) is not None
    ]
    yield ", ".join(versions)


def machine() -> str:
    """The first line of the shorter benchmarks."""
    return f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"


def _version(command: list[str]) -> str:
    # wrk prints its version and exits with 1
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"\d+(\.\d+)+\S*", result.stdout + result.stderr)
    return found.group() if found else "of an unknown version"


def _processor() -> str:
    found = re.search(
        r"^model name\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE
    )
    return found.group(1) if found else platform.machine()


def _memory() -> str:
    size = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return f"{size / 1024**3:.0f} GiB"
