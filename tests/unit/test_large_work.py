"""Slots for large bodies and replies: a weighted semaphore in the order of arrival."""

import asyncio

import pytest

from service.errors import Overloaded
from service.sizes import LARGE
from service.web.large_work import Turns

#: Seconds: longer than any test waits.
LONG = 60.0


@pytest.fixture
async def slots() -> Turns:
    return Turns(LONG)


async def waits(task: "asyncio.Task[None]") -> bool:
    """After all that was ready has run."""
    for _ in range(5):
        await asyncio.sleep(0)
    return not task.done()


async def test_what_fits_together_has_slots_together(slots: Turns) -> None:
    async with asyncio.timeout(LONG):
        await slots.take(LARGE // 2)
        await slots.take(LARGE - LARGE // 2)
    third = asyncio.create_task(slots.take(1))
    assert await waits(third)
    slots.end(LARGE // 2)
    await third


async def test_more_than_all_has_them_alone(slots: Turns) -> None:
    await slots.take(3 * LARGE)
    second = asyncio.create_task(slots.take(3 * LARGE))
    assert await waits(second)
    slots.end(3 * LARGE)
    await second


async def test_the_first_to_come_is_the_first_to_go(slots: Turns) -> None:
    """Also where a later one would fit beside what is in use."""
    await slots.take(LARGE // 2)
    large = asyncio.create_task(slots.take(LARGE))
    await asyncio.sleep(0)
    small = asyncio.create_task(slots.take(1))
    assert await waits(small)
    slots.end(LARGE // 2)
    await large
    assert await waits(small)
    slots.end(LARGE)
    await small


async def test_a_request_that_is_cancelled_keeps_nobody_waiting(slots: Turns) -> None:
    await slots.take(LARGE)
    first = asyncio.create_task(slots.take(LARGE))
    second = asyncio.create_task(slots.take(LARGE))
    assert await waits(first)
    first.cancel()
    assert await waits(second)
    slots.end(LARGE)
    await second
    assert first.cancelled()


async def test_a_wait_is_bounded() -> None:
    slots = Turns(0.01)
    await slots.take(LARGE)
    with pytest.raises(Overloaded):
        await slots.take(1)
    slots.end(LARGE)
    await slots.take(1)
