"""Slots for large bodies and replies: a weighted semaphore in the order of arrival."""

import asyncio

import pytest

from service.errors import Overloaded
from service.sizes import LARGE
from service.web.large_work import Slots

#: Seconds: longer than any test waits.
LONG = 60.0


@pytest.fixture
async def slots() -> Slots:
    return Slots(LONG)


async def waits(task: "asyncio.Task[None]") -> bool:
    """Whether the task still waits after all ready callbacks have run."""
    for _ in range(5):
        await asyncio.sleep(0)
    return not task.done()


async def test_requests_that_fit_together_run_together(slots: Slots) -> None:
    async with asyncio.timeout(LONG):
        await slots.acquire(LARGE // 2)
        await slots.acquire(LARGE - LARGE // 2)
    third = asyncio.create_task(slots.acquire(1))
    assert await waits(third)
    slots.release(LARGE // 2)
    await third


async def test_a_request_larger_than_all_slots_runs_alone(slots: Slots) -> None:
    await slots.acquire(3 * LARGE)
    second = asyncio.create_task(slots.acquire(3 * LARGE))
    assert await waits(second)
    slots.release(3 * LARGE)
    await second


async def test_slots_are_first_come_first_served(slots: Slots) -> None:
    """Also where a later one would fit next to what is in use."""
    await slots.acquire(LARGE // 2)
    large = asyncio.create_task(slots.acquire(LARGE))
    await asyncio.sleep(0)
    small = asyncio.create_task(slots.acquire(1))
    assert await waits(small)
    slots.release(LARGE // 2)
    await large
    assert await waits(small)
    slots.release(LARGE)
    await small


async def test_a_cancelled_request_does_not_block_others(slots: Slots) -> None:
    await slots.acquire(LARGE)
    first = asyncio.create_task(slots.acquire(LARGE))
    second = asyncio.create_task(slots.acquire(LARGE))
    assert await waits(first)
    first.cancel()
    assert await waits(second)
    slots.release(LARGE)
    await second
    assert first.cancelled()


async def test_a_wait_is_bounded() -> None:
    slots = Slots(0.01)
    await slots.acquire(LARGE)
    with pytest.raises(Overloaded):
        await slots.acquire(1)
    slots.release(LARGE)
    await slots.acquire(1)
