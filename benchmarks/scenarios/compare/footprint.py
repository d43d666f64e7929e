"""The memory of a store with many keys, and the time of its restart."""

import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure.cases import Setting
from benchmarks.measure.processes import usage
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.service import Service


class Footprint(NamedTuple):
    """Memory in bytes per byte of keys and values, restarts in seconds.

    :ivar arena: Tarantool's arena: tuples, indexes, and free space in their slabs
    :ivar resident: resident memory of the process
    :ivar from_log: time until a read succeeds, with all keys in the WAL
    :ivar from_snapshot: the same with all keys in a snapshot
    """

    keys: int
    arena: float
    resident: float
    from_log: float
    from_snapshot: float


def measure_footprint(folder: Path, keys: int, value_bytes: int) -> Footprint:
    """Without the change log: its size is KV_CHANGES_BYTES, whatever the keys."""
    folder.mkdir()
    dataset = Dataset(folder, keys, value_bytes)
    setting = Setting(keys, "fsync", 1)
    service = Service(folder / "service", setting, dataset, changes_bytes=0)
    try:
        service.start()
        empty_arena, empty_resident = _arena(service), _resident(service)
        service.fill()
        arena, resident = _arena(service), _resident(service)
        from_log = _timed_restart(service)
        service.console("box.snapshot()")
        from_snapshot = _timed_restart(service)
    finally:
        service.stop()
    return Footprint(
        keys,
        (arena - empty_arena) / dataset.bytes,
        (resident - empty_resident) / dataset.bytes,
        from_log,
        from_snapshot,
    )


def _arena(service: Service) -> int:
    return service.console_number("box.slab.info().arena_used")


def _resident(service: Service) -> int:
    return usage(service.pids().store).memory


def _timed_restart(service: Service) -> float:
    service.stop()
    begin = time.monotonic()
    service.start()
    service.reply("read", 1)
    seconds = time.monotonic() - begin
    count, expected = (
        service.console_number("box.space.kv:len()"),
        service.dataset.count,
    )
    if count != expected:
        raise RuntimeError(f"{count} of {expected} keys after the restart")
    return seconds
