"""Requests that are made at the same time share a call."""

import asyncio
from collections.abc import Callable

import pytest

from service.storage.coalescer import Coalescer
from service.telemetry.families import Distribution, Observations

MAX_REQUESTS = 4

#: Seconds for a call to begin, on a busy machine.
TIMEOUT = 30.0


class Calls:
    """Doubles numbers on command; keeps the requests of each call."""

    def __init__(self) -> None:
        self.made: list[list[int]] = []
        self.gates: list[asyncio.Event] = []
        self.is_slow = False
        self.changed = asyncio.Condition()

    async def __call__(self, requests: list[int]) -> list[int]:
        gate = asyncio.Event()
        async with self.changed:
            self.made.append(requests)
            self.gates.append(gate)
            self.changed.notify_all()
        if self.is_slow:
            await gate.wait()
        if 0 in requests:
            raise ValueError(f"refused: {requests}")
        return [2 * number for number in requests]


@pytest.fixture
def calls() -> Calls:
    return Calls()


Submit = Callable[[int], "asyncio.Future[int]"]


@pytest.fixture
def sizes() -> Observations:
    return Observations([1, 2, 4])


@pytest.fixture
async def submit(calls: Calls, sizes: Observations) -> Submit:
    return Coalescer(calls, MAX_REQUESTS, sizes).submit


async def until_made(calls: Calls, count: int) -> None:
    async with asyncio.timeout(TIMEOUT), calls.changed:
        await calls.changed.wait_for(lambda: len(calls.made) >= count)


async def test_requests_of_one_loop_iteration_share_a_call(
    calls: Calls, submit: Submit, sizes: Observations
) -> None:
    assert await asyncio.gather(*map(submit, [1, 2, 3])) == [2, 4, 6]
    assert calls.made == [[1, 2, 3]]
    assert sizes.distribution() == Distribution([0, 0, 1, 0], 3)


async def test_a_call_takes_a_bounded_number(calls: Calls, submit: Submit) -> None:
    numbers = list(range(1, 2 * MAX_REQUESTS + 2))
    assert await asyncio.gather(*map(submit, numbers)) == [2 * n for n in numbers]
    assert calls.made == [[1, 2, 3, 4], [5, 6, 7, 8], [9]]


async def test_requests_wait_for_the_call_in_flight(
    calls: Calls, submit: Submit
) -> None:
    calls.is_slow = True
    first = submit(1)
    await until_made(calls, 1)
    others = [submit(2), submit(3)]
    await asyncio.sleep(0)
    assert calls.made == [[1]]
    calls.gates[0].set()
    await first
    await until_made(calls, 2)
    calls.gates[1].set()
    assert await asyncio.gather(*others) == [4, 6]
    assert calls.made == [[1], [2, 3]]


async def test_requests_do_not_wait_long_for_a_slow_call(
    calls: Calls, submit: Submit
) -> None:
    calls.is_slow = True
    first = submit(1)
    await until_made(calls, 1)
    second = submit(2)
    await until_made(calls, 2)  # while the first has no reply
    calls.gates[1].set()
    assert await second == 4
    assert not first.done()
    calls.gates[0].set()
    assert await first == 2


async def test_an_error_is_the_result_of_all_that_share_the_call(
    calls: Calls, submit: Submit
) -> None:
    results = await asyncio.gather(submit(1), submit(0), return_exceptions=True)
    assert [str(result) for result in results] == ["refused: [1, 0]"] * 2
    assert await submit(5) == 10


async def test_a_request_that_is_cancelled_changes_no_other(
    calls: Calls, submit: Submit
) -> None:
    one, other = submit(1), submit(2)
    one.cancel()
    assert await other == 4
    assert one.cancelled()
