"""The channel between workers and the first process, where something is wrong."""

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import pytest

from service.process import metrics_channel, worker_metrics
from service.process.metrics_channel import MAX_MESSAGE, answering, new_channel
from service.process.worker_metrics import WorkerMetrics
from service.telemetry.metrics import Metrics
from tests.support.families import samples_of

#: Seconds for a message to be sent, on a busy machine.
TIMEOUT = 20.0


@pytest.fixture
def channel() -> Iterator[tuple[socket.socket, socket.socket]]:
    ours, theirs = new_channel()
    with ours, theirs:
        yield ours, theirs


def fill(end: socket.socket) -> None:
    end.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            end.send(b"a message")


async def test_a_full_channel_does_not_block_the_event_loop(
    channel: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics_channel, "SEND_TIMEOUT", TIMEOUT)
    ours, theirs = channel
    ours.setblocking(False)
    fill(theirs)
    is_answering = asyncio.Event()

    async def answer() -> None:
        async with answering(theirs, 0, Metrics()):
            is_answering.set()

    async with asyncio.timeout(TIMEOUT / 2), asyncio.TaskGroup() as tasks:
        tasks.create_task(answer())
        await asyncio.sleep(0.1)
        assert not is_answering.is_set()
        message = b"a message"
        while message == b"a message":
            with contextlib.suppress(BlockingIOError):
                message, descriptors, _, _ = socket.recv_fds(ours, MAX_MESSAGE, 1)
            await asyncio.sleep(0)
        assert b"Serving" in message
        socket.socket(fileno=descriptors[0]).close()


async def test_a_worker_with_too_many_metrics_is_left_out(
    channel: tuple[socket.socket, socket.socket],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(worker_metrics, "MAX_ANSWER", 100)
    ours, theirs = channel
    workers = WorkerMetrics(ours, 1)
    async with workers.receiving(), answering(theirs, 0, Metrics()):
        for _ in range(2):
            families = await workers.collect()
            assert samples_of(families, "kv_worker_up") == {("0",): 0}
    assert "no metrics of worker 0: " in caplog.text
