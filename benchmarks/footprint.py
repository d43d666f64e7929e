"""What many keys take of the memory, and how long they keep a restart waiting."""

import time
from pathlib import Path
from typing import NamedTuple

from benchmarks.corpus import Corpus
from benchmarks.processes import usage
from benchmarks.subjects import Ours, Setting
from tests.support.tarantool import local_console


class Footprint(NamedTuple):
    """Memory in bytes for each byte of the keys and values, restarts in seconds.

    :ivar arena: of Tarantool's arena: tuples, indexes, and what is free in their slabs
    :ivar resident: of the process, as the system sees it
    :ivar from_log: until a read is answered, with all keys in the log
    :ivar from_snapshot: with all of them in a snapshot
    """

    keys: int
    arena: float
    resident: float
    from_log: float
    from_snapshot: float


def footprint(folder: Path, keys: int, value_bytes: int) -> Footprint:
    """The log of changes is off: it takes what KV_CHANGES_BYTES says, however many keys
    there are."""
    folder.mkdir()
    corpus = Corpus(folder, keys, value_bytes)
    ours = Ours(folder / "service", Setting(keys, "fsync", 1), corpus, changes_bytes=0)
    try:
        ours.start()
        empty_arena, empty_resident = _arena(ours), _resident(ours)
        ours.load()
        arena, resident = _arena(ours), _resident(ours)
        from_log = _timed_restart(ours)
        local_console(ours.process.data, "box.snapshot()")
        from_snapshot = _timed_restart(ours)
    finally:
        ours.stop()
    return Footprint(
        keys,
        (arena - empty_arena) / corpus.bytes,
        (resident - empty_resident) / corpus.bytes,
        from_log,
        from_snapshot,
    )


def _arena(ours: Ours) -> int:
    return told(ours, "box.slab.info().arena_used")


def _resident(ours: Ours) -> int:
    return usage(ours.pids().store).memory


def told(ours: Ours, expression: str) -> int:
    """A number, by the operators' console."""
    answer = local_console(ours.process.data, f"return {expression}")
    return int(answer.split()[2])


def _timed_restart(ours: Ours) -> float:
    ours.stop()
    begin = time.monotonic()
    ours.start()
    ours.reply("read", 1)
    took = time.monotonic() - begin
    count = told(ours, "box.space.kv:len()")
    if count != ours.corpus.count:
        raise RuntimeError(f"{count} keys are back of {ours.corpus.count}")
    return took
