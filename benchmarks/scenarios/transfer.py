"""Measures exports and imports next to backups, and the memory that they take.

For each number of keys: a service with its own Tarantool is filled, then exported to a
file, as it is and compressed, and backed up. A new one imports the file. The client is
curl, on the same cores. The memory is the growth of the processes to their peaks: that
of the service must not depend on the number of keys.
"""

import argparse
import asyncio
import contextlib
import json
import random
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure.open_loop import Connection, register_reader
from benchmarks.measure.processes import PeakMemory, descendants, program_of
from benchmarks.report.conditions import machine
from benchmarks.report.table import markdown_table
from service.settings import Settings
from tests.support.machine import ROOT
from tests.support.service import ServiceProcess, service_environ

MIB = 1024 * 1024

#: Keys of a write that fills the store.
BATCH = Settings().max_keys

#: KV_MEMTX_MEMORY: per key, besides its value in the store and in the change log, and
#: for everything else.
PER_KEY, EXTRA = 1024, 512 * MIB

TITLES = [
    *("keys", "", "seconds", "keys/s", "MiB", "MiB/s"),
    *("service MiB", "Tarantool MiB"),
]

BACKUP = ["tarantool", "lua/kv/backup/main.lua", "backup"]


class Took(NamedTuple):
    """What a transfer took.

    :ivar size: bytes that were sent
    :ivar service: bytes that the service has grown by
    :ivar store: bytes that Tarantool has grown by
    """

    seconds: float
    size: int
    service: int
    store: int


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--keys",
        nargs="+",
        type=int,
        default=[10_000, 1_000_000],
        help="keys of the store",
    )
    parser.add_argument("--size", type=int, default=100, help="bytes of a value")
    parser.add_argument("--rounds", type=int, default=3, help="exports of each kind")


def run(options: argparse.Namespace) -> int:
    print(f"{machine()}, {options}")
    for keys in options.keys:
        with tempfile.TemporaryDirectory() as name:
            rows = _rows(Path(name), keys, options.size, options.rounds)
            for line in markdown_table(TITLES, rows):
                print(line, flush=True)
    return 0


def _rows(folder: Path, keys: int, size: int, rounds: int) -> Iterator[list[str]]:
    file = folder / "export.ndjson"
    with _running(folder / "source", keys, size) as (service, token):
        asyncio.run(_fill(service.port, token, keys, size))
        for kind, accepted in (("export", "identity"), ("export, gzip", "gzip")):
            yield _row(
                keys,
                kind,
                _best(_exported(service, token, file, accepted) for _ in range(rounds)),
            )
        _exported(service, token, file, "identity")
        _check_complete(file, keys)
        yield _row(keys, "backup", _backed_up(service, folder / "backup"))
    with _running(folder / "target", keys, size) as (service, token):
        yield _row(keys, "import", _imported(service, token, file, keys))


def _best(rounds: Iterable[Took]) -> Took:
    """The shortest time, and the most memory."""
    seconds, sizes, service, store = zip(*rounds, strict=True)
    return Took(min(seconds), sizes[0], max(service), max(store))


def _row(keys: int, kind: str, took: Took) -> list[str]:
    return [
        f"{keys:,}",
        kind,
        f"{took.seconds:.2f}",
        f"{keys / took.seconds:,.0f}",
        f"{took.size / MIB:.1f}",
        f"{took.size / MIB / took.seconds:.1f}",
        f"{took.service / MIB:.1f}",
        f"{took.store / MIB:.1f}",
    ]


@contextlib.contextmanager
def _running(
    folder: Path, keys: int, size: int
) -> Iterator[tuple[ServiceProcess, str]]:
    """A service with its own, empty Tarantool, and a token."""
    folder.mkdir()
    environ = service_environ(
        folder,
        KV_MEMTX_MEMORY=str(EXTRA + keys * (PER_KEY + 4 * size)),
        KV_TOKEN_TTL="86400",
    )
    service = ServiceProcess(folder, environ)
    try:
        service.start()
        token, _ = asyncio.run(register_reader(service.port))
        yield service, token
    finally:
        service.stop()


async def _fill(port: int, token: str, keys: int, size: int) -> None:
    """Writes keys whose values compress as texts do, to about a half."""
    connection, source = Connection(port), random.Random(0)
    for begin in range(0, keys, BATCH):
        data = {
            f"user/{number:09}": source.randbytes(size // 2).hex()
            for number in range(begin, min(begin + BATCH, keys))
        }
        status, reply = await connection.post("/api/write", {"data": data}, token)
        if status != 200:
            raise RuntimeError(f"the service replies {status}: {reply.decode()}")
    connection.close()


def _exported(service: ServiceProcess, token: str, file: Path, accepted: str) -> Took:
    return _took(
        service,
        [
            *_curl(service, token, "/api/export?prefix=user/", file),
            *("-H", f"Accept-Encoding: {accepted}"),
        ],
        file,
    )


def _imported(service: ServiceProcess, token: str, file: Path, keys: int) -> Took:
    reports = file.with_suffix(".reports")
    took = _took(
        service,
        (*_curl(service, token, "/api/import", reports), "-X", "POST", "-T", str(file)),
        file,
    )
    last = json.loads(reports.read_text().splitlines()[-1])
    if not last.get("end") or last["written"] != keys:
        raise RuntimeError(f"the import ends with {last}")
    return took


def _backed_up(service: ServiceProcess, folder: Path) -> Took:
    """A snapshot and its copy; the size is that of all its files."""
    console = service.data / "console.sock"
    return _took(service, [*BACKUP, str(console), str(folder)], folder)


def _curl(
    service: ServiceProcess, token: str, path: str, reply: Path
) -> tuple[str, ...]:
    """:param reply: the file that it is written to"""
    authorization = f"Authorization: Bearer {token}"
    url = f"{service.url}{path}"
    return "curl", "-sfS", url, "-H", authorization, "-o", str(reply)


def _took(service: ServiceProcess, command: Sequence[str], result: Path) -> Took:
    """Runs a program to its end.

    :param result: a file or a folder, whose size counts
    """
    own, store = _memory(service)
    begin = time.perf_counter()
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - begin
    files = [result] if result.is_file() else filter(Path.is_file, result.rglob("*"))
    size = sum(file.stat().st_size for file in files)
    return Took(seconds, size, _growth(own), _growth(store))


def _memory(service: ServiceProcess) -> tuple[list[PeakMemory], list[PeakMemory]]:
    """Of the processes of the service, and of Tarantool."""
    own: list[PeakMemory] = []
    store: list[PeakMemory] = []
    for pid in descendants(service.pid):
        group = store if program_of(pid) == "tarantool" else own
        group.append(PeakMemory(pid))
    return own, store


def _growth(processes: list[PeakMemory]) -> int:
    return sum(process.growth() for process in processes)


def _check_complete(file: Path, keys: int) -> None:
    with file.open("rb") as lines:
        *_, last = lines
    end = json.loads(last)
    if not end.get("end") or end["keys"] != keys:
        raise RuntimeError(f"the export ends with {end}")
