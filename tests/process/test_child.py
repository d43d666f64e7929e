"""A child process: replaced when it dies, killed when it does not end."""

import asyncio
import signal
import sys
from asyncio.subprocess import DEVNULL, PIPE, Process

import pytest

from service.process.child import MAX_BACKOFF, MIN_BACKOFF, Child
from tests.support.machine import wait_until

#: Seconds for a process to start or to end on a busy machine.
TIMEOUT = 20.0

SLEEP = "print(flush=True); import time; time.sleep(60)"
DEAF = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + SLEEP
BRIEF = "import sys; print(flush=True); sys.exit(3)"


class Program:
    """Spawns Python with a program; each process is kept in `processes`."""

    def __init__(self, code: str) -> None:
        self.code = code
        self.processes: list[Process] = []
        self.is_missing = False
        self.attempts = 0

    async def spawn(self) -> Process:
        self.attempts += 1
        if self.is_missing:
            raise FileNotFoundError("no such program")
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", self.code), stdin=DEVNULL, stdout=PIPE
        )
        assert process.stdout is not None
        await process.stdout.readline()  # it has set its signals up
        self.processes.append(process)
        return process


def described(status: int) -> str:
    return f"status {status}"


async def until_spawned(program: Program, number: int) -> None:
    await asyncio.to_thread(
        wait_until, lambda: len(program.processes) >= number, TIMEOUT
    )


async def test_a_child_ends_at_the_stop_signal() -> None:
    child = Child("a child", Program(SLEEP).spawn, TIMEOUT)
    await child.spawn()
    assert child.is_running
    await child.stop()
    assert not child.is_running
    assert await child.wait() == -signal.SIGTERM


async def test_a_child_that_ignores_the_stop_signal_is_killed(
    caplog: pytest.LogCaptureFixture,
) -> None:
    child = Child("a child", Program(DEAF).spawn, 0.2)
    await child.spawn()
    await child.stop()
    assert await child.wait() == -signal.SIGKILL
    assert "a child did not end within 0.2 s: killed" in caplog.text


async def test_a_dead_child_is_replaced_until_the_stop(
    caplog: pytest.LogCaptureFixture,
) -> None:
    program = Program(SLEEP)
    child = Child("a child", program.spawn, TIMEOUT)
    await child.spawn()
    child.keep_alive(described)
    program.processes[0].kill()
    await until_spawned(program, 2)
    assert child.is_running
    assert "a child ended (status -9): restart in 0.1 s" in caplog.text
    await child.stop()
    await asyncio.sleep(2 * MIN_BACKOFF)
    assert program.attempts == 2


async def test_the_backoff_doubles(caplog: pytest.LogCaptureFixture) -> None:
    program = Program(BRIEF)
    child = Child("a child", program.spawn, TIMEOUT)
    await child.spawn()
    child.keep_alive(described)
    await until_spawned(program, 3)
    await child.stop()
    for seconds in MIN_BACKOFF, 2 * MIN_BACKOFF:
        assert f"(status 3): restart in {seconds:g} s" in caplog.text
    assert MIN_BACKOFF < MAX_BACKOFF


async def test_a_program_that_cannot_be_started_is_tried_again(
    caplog: pytest.LogCaptureFixture,
) -> None:
    program = Program(SLEEP)
    child = Child("a child", program.spawn, TIMEOUT)
    await child.spawn()
    child.keep_alive(described)
    program.is_missing = True
    program.processes[0].kill()
    await asyncio.to_thread(wait_until, lambda: program.attempts >= 2, TIMEOUT)
    program.is_missing = False
    await until_spawned(program, 2)
    assert child.is_running
    assert "a child cannot be started: no such program" in caplog.text
    await child.stop()


async def test_nothing_is_spawned_when_the_stop_comes_during_the_backoff() -> None:
    program = Program(BRIEF)
    child = Child("a child", program.spawn, TIMEOUT)
    await child.spawn()
    await child.wait()
    child.keep_alive(described)
    await asyncio.sleep(MIN_BACKOFF / 2)
    await child.stop()
    await asyncio.sleep(MIN_BACKOFF)
    assert program.attempts == 1
