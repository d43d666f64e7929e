"""The monitor of the event loop: which blocks it logs, and what it says about them."""

import asyncio
import ctypes
import gc
import logging
import re
import time
from types import FrameType, FunctionType

import pytest
import uvloop
from aiohttp import web
from aiohttp.test_utils import make_mocked_request

from service.telemetry.event_loop import BLOCKED, INTERVAL, EventLoopMonitor
from service.telemetry.families import Distribution, Histogram
from service.web.dispatch import Dispatcher, request_of

LOGGER = "service.telemetry.event_loop"

#: Seconds: a block that is logged on a busy machine too.
BLOCK = 6 * BLOCKED

BOUNDS = (BLOCKED, 3 * BLOCKED)


@pytest.fixture
def lag() -> Histogram:
    return Histogram("kv_event_loop_lag_seconds", "Delay.", BOUNDS)


def counts(lag: Histogram) -> list[int]:
    ((_, distribution),) = lag.collect().samples
    assert isinstance(distribution, Distribution)
    return distribution.counts


def no_request(_: FrameType) -> str:
    return ""


def wait_for_nothing() -> None:
    time.sleep(BLOCK)


def compute() -> None:
    end = time.thread_time() + BLOCK
    while time.thread_time() < end:
        pass


async def settle() -> None:
    """Lets the timer be called."""
    await asyncio.sleep(3 * INTERVAL)


@pytest.mark.parametrize("block", [wait_for_nothing, compute])
async def test_a_block_is_logged_once_with_its_function(
    lag: Histogram, caplog: pytest.LogCaptureFixture, block: FunctionType
) -> None:
    async def blocking() -> None:
        with EventLoopMonitor(lag, no_request).running():
            await settle()
            block()
            await settle()

    # in a thread: the loop of the tests may have a monitor of its own
    await asyncio.to_thread(asyncio.run, blocking())
    (message,) = [line for line in caplog.messages if block.__name__ in line]
    began, _, activity = message.partition(": ")
    # on a busy machine it may take so long that it is logged before it ends
    assert re.fullmatch(r"the event loop (was|is) blocked for \d+\.\d+ s", began)
    assert activity == f"{__name__}.{block.__name__}"
    assert counts(lag)[-1] >= 1


async def test_the_route_is_named_and_the_path_is_not(
    lag: Histogram, caplog: pytest.LogCaptureFixture
) -> None:
    async def handler(request: web.Request) -> web.Response:
        wait_for_nothing()
        return web.Response()

    app = web.Application()
    app.router.add_get("/api/keys/{key}", handler)
    request = make_mocked_request("GET", "/api/keys/secret", app=app)
    with EventLoopMonitor(lag, request_of).running():
        await settle()
        await Dispatcher(app, None)(request)
        await settle()
    assert "GET /api/keys/{key}, in " in caplog.text
    assert "secret" not in caplog.text


async def test_the_stack_is_logged_at_the_level_debug(
    lag: Histogram, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, LOGGER)
    with EventLoopMonitor(lag, no_request).running():
        await settle()
        wait_for_nothing()
        await settle()
    assert "in test_the_stack_is_logged_at_the_level_debug\n" in caplog.text


def collections() -> list[str]:
    """Allocates much; the phases of the collections of garbage in the meantime."""
    phases: list[str] = []

    def note(phase: str, _: dict[str, int]) -> None:
        phases.append(phase)

    gc.callbacks.append(note)
    try:
        _lists: list[list[int]] = [[] for _ in range(10 * gc.get_threshold()[0])]
    finally:
        gc.callbacks.remove(note)
    return phases


async def test_no_garbage_is_collected_while_frames_are_read(
    lag: Histogram, caplog: pytest.LogCaptureFixture
) -> None:
    """On Python 3.11 the process could crash."""
    with EventLoopMonitor(lag, lambda _: f"{collections()}").running():
        await settle()
        wait_for_nothing()
        await settle()
    assert f": [], in {__name__}.wait_for_nothing" in caplog.text
    assert collections() != []  # now it is


async def test_an_idle_loop_has_no_block(
    lag: Histogram, caplog: pytest.LogCaptureFixture
) -> None:
    with EventLoopMonitor(lag, no_request).running():
        await asyncio.sleep(0.5)
    assert "blocked" not in caplog.text
    assert sum(counts(lag)) > 5


async def test_a_longer_interval_has_fewer_checks(lag: Histogram) -> None:
    with EventLoopMonitor(lag, no_request, interval=3600).running():
        await settle()
    assert sum(counts(lag)) == 0


def hold_the_gil() -> None:
    """Lets no other thread run Python."""
    ctypes.PyDLL(None).usleep(int(BLOCK * 1e6))


def test_code_of_another_thread_is_not_named(
    lag: Histogram, caplog: pytest.LogCaptureFixture
) -> None:
    """With the loop of the service, which waits for the other thread just as long."""

    async def run() -> None:
        with EventLoopMonitor(lag, no_request).running():
            await settle()
            await asyncio.to_thread(hold_the_gil)
            await settle()

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(run())
    assert counts(lag)[-1] >= 1
    assert f"{__name__}.hold_the_gil" not in caplog.text
