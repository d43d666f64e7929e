"""Reservations: the bytes that a request reserves, and when it releases them."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from service.errors import Overloaded
from service.settings import Settings
from service.sizes import LARGE, MIB, SMALL
from service.web.admission import Admission
from service.web.reservation import (
    Reservation,
    reservation_middleware,
    reserve,
    take_slot,
)


@pytest.fixture
def admission() -> Admission:
    return Admission(Settings(), max_delay=0.05)


async def test_bytes_stay_reserved_until_the_task_ends(admission: Admission) -> None:
    has_reply, is_taken = asyncio.Event(), asyncio.Event()

    async def handler(request: web.Request) -> web.Response:
        assert admission.requests == 1
        reserve(request, 4 * MIB)
        await take_slot(request, LARGE)
        return web.Response(body=bytes(3 * MIB))

    async def answer() -> None:
        await reservation_middleware(admission)(
            make_mocked_request("GET", "/"), handler
        )
        has_reply.set()
        await is_taken.wait()

    task = asyncio.create_task(answer())
    await has_reply.wait()
    assert (admission.requests, admission.reserved) == (0, 3 * MIB)
    await admission.slots.acquire(LARGE)  # it is free again
    is_taken.set()
    await task
    await asyncio.sleep(0)
    assert admission.reserved == 0


@pytest.mark.parametrize("error", [ValueError, asyncio.CancelledError])
async def test_a_handler_that_fails_gives_everything_back(
    admission: Admission, error: type[BaseException]
) -> None:
    async def handler(request: web.Request) -> web.Response:
        reserve(request, MIB)
        await take_slot(request, LARGE)
        raise error

    async def answer() -> None:
        await reservation_middleware(admission)(
            make_mocked_request("GET", "/"), handler
        )

    (outcome,) = await asyncio.gather(answer(), return_exceptions=True)
    assert isinstance(outcome, error)
    await asyncio.sleep(0)
    assert (admission.requests, admission.reserved) == (0, 0)
    await admission.slots.acquire(LARGE)


async def test_small_bodies_do_not_count(admission: Admission) -> None:
    reservation = Reservation(admission)
    reservation.reserve(SMALL)
    assert admission.reserved == 0
    reservation.reserve(SMALL + 1)
    assert admission.reserved == SMALL + 1
    reservation.reserve(SMALL)
    assert admission.reserved == 0


async def test_a_reservation_beyond_the_limit_changes_nothing(
    admission: Admission,
) -> None:
    reservation = Reservation(admission)
    reservation.reserve(MIB)
    with pytest.raises(Overloaded):
        reservation.reserve(admission.max_reserved + 1)
    assert admission.reserved == MIB


async def test_a_slot_that_does_not_become_free_is_an_overload(
    admission: Admission,
) -> None:
    await admission.slots.acquire(LARGE)
    with pytest.raises(Overloaded):
        await Reservation(admission).take_slot(SMALL + 1)
    admission.slots.release(LARGE)
    await Reservation(admission).take_slot(SMALL + 1)
