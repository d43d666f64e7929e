"""A full disk refuses additions, not reads and deletions; a crash loses nothing."""

import asyncio
import contextlib
import itertools
import os
import subprocess
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply
from tests.support.machine import ROOT, wait_until_ready
from tests.support.service import Serve
from tests.support.tarantool import LocalTarantool, Tarantools

MIB = 1024 * 1024
DISK = 64 * MIB

#: More than the disk could fill.
MEMORY = 512 * MIB

#: What does not compress: hexadecimal digits, half of each byte used.
VALUE_BYTES = 20_000
BATCH = 20

#: Digits of values, each size until one is refused.
LESS_AND_LESS = (100_000, 10_000, 1_000, 100, 2)

#: Seconds after which the disk is checked again, and some more.
CHECK_INTERVAL = 0.5

#: Seconds in which the service finds a Tarantool that is back.
RECOVERY_TIMEOUT = 5.0

ROUNDS = 4


@contextlib.contextmanager
def on_small_disk(tarantools: Tarantools, **environ: str) -> Iterator[LocalTarantool]:
    """An instance with its data on a small disk, not started yet."""
    environ = {"KV_MEMTX_MEMORY": str(MEMORY)} | environ
    with tarantools.local(ROOT / "migrations", **environ) as instance:
        instance.data.mkdir()
        mount = ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=700", "tmpfs"]
        mounted = subprocess.run([*mount, instance.data], capture_output=True)
        if mounted.returncode != 0 and not os.environ.get("CI"):
            pytest.skip(f"no mount: {mounted.stderr.decode()}")
        assert mounted.returncode == 0, mounted.stderr
        try:
            yield instance
        finally:
            instance.kill()
            subprocess.run(["umount", instance.data], check=True)


@pytest.fixture
def small(tarantools: Tarantools) -> Iterator[LocalTarantool]:
    with on_small_disk(tarantools) as instance:
        yield instance


def batch(number: int) -> dict[str, str]:
    return {
        f"{number}-{place}": os.urandom(VALUE_BYTES // 2).hex()
        for place in range(BATCH)
    }


async def fill(client: Client, first: int = 0) -> dict[str, str]:
    """Writes until the disk is full; returns what was accepted."""
    accepted: dict[str, str] = {}
    for number in range(first, first + 1000):
        data = batch(number)
        reply = await client.write(data)
        if reply.status != 200:
            detail = assert_problem(reply, 503, "storage_full")
            assert "disk" in detail
            assert reply.json["applied"] == "no"
            assert (await client.read(list(data))).json == {"data": {}}
            return accepted
        accepted |= data
    raise AssertionError("the disk did not get full")


async def within(seconds: float, write: Callable[[], Awaitable[Reply]]) -> bool:
    """Whether it is accepted in that time."""
    for _ in range(int(seconds / CHECK_INTERVAL)):
        if (await write()).status == 200:
            return True
        await asyncio.sleep(CHECK_INTERVAL)
    return False


async def fill_up(client: Client, prefix: str) -> dict[str, str]:
    """Writes until the reserve of the log is used up; returns what was accepted."""
    accepted: dict[str, str] = {}
    for digits in LESS_AND_LESS:
        for number in itertools.count():
            key, value = f"{prefix}-{digits}-{number}", os.urandom(digits // 2).hex()
            if (await client.write({key: value})).status != 200:
                break
            accepted[key] = value
    return accepted


async def assert_holds(client: Client, data: dict[str, str]) -> None:
    """Exactly that, read in parts."""
    keys = [key async for page in client.pages("") for key in page["keys"]]
    assert set(keys) == set(data)
    for start in range(0, len(keys), 500):
        some = keys[start : start + 500]
        found = (await client.read(some)).json["data"]
        assert found == {key: data[key] for key in some}


@contextlib.contextmanager
def others_leave(folder: Path, left: int) -> Iterator[None]:
    """Fills the disk with a file, except for this many bytes."""
    file = folder / "filler"
    free = os.statvfs(folder)
    size = free.f_bavail * free.f_frsize - left
    with file.open("wb") as filler, contextlib.suppress(OSError):
        os.posix_fallocate(filler.fileno(), 0, size)
    yield
    file.unlink()


async def test_additions_are_refused_and_other_calls_continue(
    small: LocalTarantool, serve: Serve
) -> None:
    small.start()
    async with serve(small) as client:
        await client.enter()
        data = await fill(client)
        assert len(data) > DISK / VALUE_BYTES / 3
        reply = await client.increment({"counter": 1})
        assert_problem(reply, 503, "storage_full")
        assert_problem(await client.register("bob", "password"), 503, "storage_full")
        one, *many = list(data)[:501]
        assert (await client.delete([one])).json["deleted"] == 1
        assert (await client.delete(many)).json["deleted"] == len(many)
        for key in [one, *many]:
            del data[key]
        await assert_holds(client, data)
        for key in data:
            assert (await client.delete([key])).json["deleted"] == 1
        # the deletions have freed space: a snapshot of what is left replaces the logs
        assert await within(RECOVERY_TIMEOUT, lambda: client.write({"new": 1}))
        await asyncio.to_thread(small.kill)
        await asyncio.to_thread(small.start)
        await wait_until_ready(client, RECOVERY_TIMEOUT)
        await assert_shows(client, {"new": 1})


async def assert_shows(client: Client, data: dict[str, object]) -> None:
    assert (await client.list_keys("", values=True)).json["data"] == data


async def test_below_the_reserve_deletions_continue(
    small: LocalTarantool, serve: Serve
) -> None:
    small.start()
    async with serve(small) as client:
        await client.enter()
        assert (await client.write({"k": 1, "other": 1})).status == 200
        with others_leave(small.data, 4 * MIB):
            await asyncio.sleep(CHECK_INTERVAL)
            reply = await client.write({"k": 2})
            assert "disk" in assert_problem(reply, 503, "storage_full")
            assert (await client.delete(["k"])).json["deleted"] == 1
        await asyncio.sleep(CHECK_INTERVAL)
        assert (await client.write({"k": 3})).status == 200
        await assert_shows(client, {"k": 3, "other": 1})


async def test_a_full_disk_tears_nothing(tarantools: Tarantools, serve: Serve) -> None:
    """Without a reserve every write may find the disk full, and a kill may follow."""
    data: dict[str, str] = {}
    refused = 0
    with on_small_disk(tarantools, KV_DISK_RESERVE="0") as small:
        small.start()
        async with serve(small) as client:
            await client.enter()
            for number in range(ROUNDS):
                with others_leave(small.data, MIB):
                    data |= await fill(client, number * 1000)
                    data |= await fill_up(client, f"rest-{number}")
                    for key in list(data)[::7]:
                        reply = await client.delete([key])
                        if reply.status == 200:
                            del data[key]
                        else:
                            assert_problem(reply, 503, "storage_full")
                            refused += 1
                    await assert_holds(client, data)
                    small.console("pcall(box.snapshot)")
                    await asyncio.to_thread(small.kill)
                    await asyncio.to_thread(small.start)
                    await wait_until_ready(client, RECOVERY_TIMEOUT)
                    await assert_holds(client, data)
                assert (await client.write({"n": 1})).status == 200
                assert (await client.delete(["n"])).status == 200
        assert not list(small.data.glob("*.inprogress"))
    # the control of the tests above: it is the reserve that lets deletions through
    assert refused > 0
