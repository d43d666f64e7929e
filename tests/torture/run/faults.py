"""The faults, one after the other: each is injected, lasts, and is removed."""

import asyncio
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import Generic, TypeVar

from tests.support.full_disk import full_disk
from tests.support.machine import wait_until
from tests.torture.run.session import PAUSE, Session
from tests.torture.run.system import System, Tortured

#: Seconds: a fault lasts so long; and longer than the service waits for Tarantool.
WHILE, LONG = 2.0, 6.5

#: This many: few requests are in flight at a moment.
CUTS = 12

#: Seconds that everything is late on its way.
DELAY = 0.05

#: Seconds for a step of the wall clock.
HOUR = 3600

#: What fills the memory: keys of a batch, and bytes of each value; the last ones take
#: what the first ones leave.
FILLERS = ((1, 512 * 1024), (1, 64 * 1024), (16, 4 * 1024), (64, 256), (64, 16))
LAST_FILLERS = FILLERS[-2:]

#: Tuples of 4 MiB and more, which have no slab, in a space that is not logged.
TAKE_BALLAST = """(function()
    local space = box.schema.space.create('ballast', {
        temporary = true, if_not_exists = true })
    space:create_index('primary', { if_not_exists = true })
    for number = 1, 8 do
        pcall(space.replace, space, { number, ('.'):rep(4 * 1024 * 1024 + 128 * 1024) })
    end
    return space:len()
end)()"""
GIVE_BALLAST_BACK = """(function()
    for _, tuple in box.space.ballast:pairs() do box.space.ballast:delete(tuple[1]) end
    collectgarbage()
    return box.space.ballast:len()
end)()"""

#: Bytes of a value that does not compress, batches, and keys of a batch; and megabytes
#: of the snapshot in a second, so slow that it can be killed before its end. A batch is
#: small: after the memory was full there may be no slab for a large one, and then the
#: store gives up the change log, with which everything is compared.
WEIGHT, BATCHES, BATCH = 1024, 64, 2
SLOW_SNAPSHOT = 0.1


S = TypeVar("S", bound=Tortured)


@dataclass(frozen=True)
class Scene(Generic[S]):
    """:ivar session: of the client that brings the fault about, if one does"""

    system: S
    session: Session
    random: Random


#: Returns when the fault was over, in monotonic seconds: from then on it can recover.
Fault = Callable[[Scene[S]], Awaitable[float]]


async def worker_killed(scene: Scene[System]) -> float:
    worker = scene.random.choice(scene.system.workers)
    killed = time.monotonic()
    await asyncio.to_thread(worker.stop, signal.SIGKILL)
    await scene.system.start_workers(worker)
    return killed


async def tarantool_killed(scene: Scene[System]) -> float:
    killed = time.monotonic()
    await asyncio.to_thread(scene.system.tarantool.kill)
    await scene.system.start_tarantool()
    return killed


async def all_killed(scene: Scene[System]) -> float:
    killed = time.monotonic()
    await asyncio.to_thread(scene.system.kill_all)
    await scene.system.start_tarantool()
    await scene.system.start_workers(*scene.system.workers)
    return killed


async def tarantool_stopped(scene: Scene[System]) -> float:
    return await _stopped(scene, WHILE / 2)


async def tarantool_stopped_for_long(scene: Scene[System]) -> float:
    return await _stopped(scene, LONG)


async def _stopped(scene: Scene[System], seconds: float) -> float:
    scene.system.tarantool.kill(signal.SIGSTOP)
    await asyncio.sleep(seconds)
    scene.system.tarantool.kill(signal.SIGCONT)
    return time.monotonic()


async def connections_cut(scene: Scene[System]) -> float:
    for _ in range(CUTS):
        scene.system.proxy.cut()
        await asyncio.sleep(WHILE / CUTS)
    return time.monotonic()


async def connections_slow(scene: Scene[System]) -> float:
    with scene.system.proxy.delaying(DELAY):
        await asyncio.sleep(WHILE)
    return time.monotonic()


async def replies_swallowed(scene: Scene[System]) -> float:
    for _ in range(3):
        with scene.system.proxy.swallowing():
            await asyncio.sleep(WHILE / 8)
        await asyncio.sleep(WHILE / 8)
    return time.monotonic()


async def killed_in_snapshot(scene: Scene[System]) -> float:
    tarantool = scene.system.tarantool
    for number in range(BATCHES):
        values = [scene.random.randbytes(WEIGHT).hex() for _ in range(BATCH)]
        keys = [f"s{number}-{place}" for place in range(BATCH)]
        quoted = (f'"{value}"' for value in values)
        await scene.session.write(dict(zip(keys, quoted, strict=True)))
    await scene.system.ask(
        f"box.cfg({{snap_io_rate_limit = {SLOW_SNAPSHOT}}}) or "
        "require('fiber').create(box.snapshot):status()"
    )

    def is_under_way() -> bool:
        return any(tarantool.data.glob("*.snap.inprogress"))

    await asyncio.to_thread(wait_until, is_under_way, WHILE)
    return await tarantool_killed(scene)


async def disk_full(scene: Scene[System]) -> float:
    with full_disk(scene.system.tarantool, free=scene.random.randrange(4096)):
        await asyncio.sleep(WHILE)
    return time.monotonic()


async def memory_full(scene: Scene[System]) -> float:
    """Filled by a client, kept full, and freed by it.

    Half of the memory is taken inside Tarantool, where it needs no write to disk.
    """
    await scene.system.ask(TAKE_BALLAST)
    batches: list[list[str]] = []
    for count, size in FILLERS:
        await fill(scene.session, batches, count, size)
    end = time.monotonic() + WHILE
    while time.monotonic() < end:
        for count, size in LAST_FILLERS:
            await fill(scene.session, batches, count, size)
        await asyncio.sleep(PAUSE)
    while batches:
        operation = await scene.session.delete(batches[-1])
        if operation.outcome == "ok":
            batches.pop()
    await scene.system.ask(GIVE_BALLAST_BACK)
    return time.monotonic()


async def fill(
    session: Session, batches: list[list[str]], count: int, size: int
) -> None:
    """Writes until there is no space for a batch.

    :param batches: the keys of those so far; to which more come
    """
    while True:
        number = len(batches)
        values = {f"f{number}-{n}": f'"{number:0{size}d}"' for n in range(count)}
        operation = await session.write(values)
        if operation.code == "storage_full":
            return
        if operation.outcome != "failed":
            batches.append(list(values))


async def clock_forwards(scene: Scene[System]) -> float:
    return await _stepped(scene, HOUR)


async def clock_backwards(scene: Scene[System]) -> float:
    return await _stepped(scene, -HOUR)


async def _stepped(scene: Scene[System], seconds: int) -> float:
    """And back again, which is a step too."""
    scene.system.clock.step_to(seconds)
    await asyncio.sleep(WHILE)
    scene.system.clock.step_to(0)
    return time.monotonic()


FAULTS: dict[str, Fault[System]] = {
    "kill -9 of a worker": worker_killed,
    "kill -9 of Tarantool": tarantool_killed,
    "kill -9 of everything": all_killed,
    "SIGSTOP of Tarantool, short": tarantool_stopped,
    "SIGSTOP of Tarantool, long": tarantool_stopped_for_long,
    "connections cut": connections_cut,
    "connections slow": connections_slow,
    "replies swallowed": replies_swallowed,
    "kill -9 in a snapshot": killed_in_snapshot,
    "disk full": disk_full,
    "memory full": memory_full,
    "clock an hour ahead": clock_forwards,
    "clock an hour behind": clock_backwards,
}
