"""The queue of work for threads: bounded, and fair to addresses."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import TypeVar

import pytest

from service.auth.fair_queue import Client, FairQueue, QueueFull
from service.auth.passwords import NO_CLIENT

T = TypeVar("T")

#: Seconds for a thread to start, on a busy machine.
TIMEOUT = 30.0

#: Seconds in which work that could start would have done so.
SETTLE_TIME = 0.05


class Work:
    """Keeps its thread until `end` is set."""

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.end = threading.Event()

    def __call__(self) -> bool:
        self.begun.set()
        return self.end.wait(TIMEOUT)

    async def begins(self) -> None:
        assert await asyncio.to_thread(self.begun.wait, TIMEOUT)


@pytest.fixture
async def queue() -> AsyncIterator[FairQueue]:
    """A queue with one thread, and capacity for one waiting entry."""
    queue = FairQueue(1, 2, "test")
    yield queue
    queue.close()


async def run(queue: FairQueue, work: Callable[[], T], client: Client = NO_CLIENT) -> T:
    with queue.enter(client) as entry:
        return await entry.run(work)


async def test_a_cancelled_request_frees_its_queue_entry(queue: FairQueue) -> None:
    work = Work()
    running = asyncio.create_task(run(queue, work))
    waiting = asyncio.create_task(run(queue, work))
    await asyncio.sleep(0)
    with pytest.raises(QueueFull):
        await run(queue, work)
    waiting.cancel()
    await asyncio.wait([waiting])
    instead = asyncio.create_task(run(queue, work))
    await asyncio.sleep(0)
    work.end.set()
    assert await running
    assert await instead


async def test_cancelled_work_keeps_its_thread_until_it_ends(
    queue: FairQueue,
) -> None:
    work = Work()
    running = asyncio.create_task(run(queue, work))
    await work.begins()
    running.cancel()
    await asyncio.wait([running])
    following = asyncio.create_task(run(queue, work.end.is_set))
    await asyncio.sleep(SETTLE_TIME)
    assert not following.done()
    work.end.set()
    assert await following


async def test_failed_work_raises_and_does_not_stop_the_queue(
    queue: FairQueue,
) -> None:
    with pytest.raises(ZeroDivisionError):
        await run(queue, lambda: 1 / 0)
    assert await run(queue, lambda: "done") == "done"


async def test_waiting_requests_fail_when_the_queue_closes() -> None:
    queue, work = FairQueue(1, 2, "test"), Work()
    running = asyncio.create_task(run(queue, work))
    waiting = asyncio.create_task(run(queue, work))
    await work.begins()
    work.end.set()
    queue.close()
    with pytest.raises(QueueFull):
        await waiting
    assert await running


def client_at(address: str, *, has_left: bool = False) -> Client:
    return Client(address, lambda: has_left)


async def order_of(*clients: Client) -> list[str]:
    """The addresses in the order in which their work runs, after what runs now."""
    queue, work, order = FairQueue(1, 1 + len(clients), "test"), Work(), list[str]()
    first = asyncio.create_task(run(queue, work))
    await work.begins()
    waiting = [
        asyncio.create_task(run(queue, partial(order.append, each.address), each))
        for each in clients
    ]
    await asyncio.sleep(0)
    work.end.set()
    await asyncio.gather(first, *waiting)
    queue.close()
    return order


async def test_addresses_are_served_round_robin() -> None:
    flood, other = client_at("flood"), client_at("other")
    order = await order_of(flood, flood, flood, other, other)
    assert order == ["flood", "other", "flood", "other", "flood"]


async def test_a_client_that_has_left_is_served_last() -> None:
    gone = client_at("gone", has_left=True)
    assert await order_of(gone, gone, client_at("here")) == ["here", "gone", "gone"]


async def test_the_address_with_most_entries_loses_one() -> None:
    """To an address that has none; its own next one finds none."""
    queue, work = FairQueue(1, 3, "test"), Work()
    running = asyncio.create_task(run(queue, work))
    await work.begins()
    flood, other = client_at("flood"), client_at("other")
    with queue.enter(flood) as first, queue.enter(flood) as second:
        with pytest.raises(QueueFull), queue.enter(flood):
            pass
        with queue.enter(other) as others:
            assert [each.is_evicted for each in (first, second, others)] == [
                *(False, True, False)
            ]
            with pytest.raises(QueueFull):
                await second.run(lambda: None)
    work.end.set()
    assert await running
    queue.close()
