"""The arbiter's choices for each new worker: its slot, its listener, the reason."""

import socket
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from service.process.gunicorn_arbiter import Spawning
from service.process.metrics_channel import MAX_MESSAGE, new_channel


class Arbiter:
    """gunicorn's, without processes."""

    def __init__(self, channel: socket.socket, workers: int) -> None:
        self.WORKERS: dict[int, Any] = {}
        self.LISTENERS = list(range(workers))
        self.spawning = Spawning(workers, channel)
        self._age = 0

    def spawn(self) -> Any:
        self._age += 1
        worker: Any = SimpleNamespace(age=self._age, aborted=False)
        self.spawning.pre_fork(self, worker)
        self.WORKERS[self._age] = worker
        return worker

    def end(self, worker: Any) -> None:
        del self.WORKERS[worker.age]
        self.spawning.child_exit(self, worker)


@pytest.fixture
def channel() -> Iterator[tuple[socket.socket, socket.socket]]:
    ends = new_channel()
    yield ends
    for end in ends:
        end.close()


def reasons(channel: tuple[socket.socket, socket.socket]) -> list[str]:
    """The reasons that have been sent so far."""
    found: list[str] = []
    channel[0].setblocking(False)
    while True:
        try:
            message = channel[0].recv(MAX_MESSAGE)
        except BlockingIOError:
            return found
        found.append(message.decode().split('"')[-2])


def test_a_replacement_gets_the_slot_and_the_listener_of_its_predecessor(
    channel: tuple[socket.socket, socket.socket],
) -> None:
    arbiter = Arbiter(channel[1], 3)
    workers = [arbiter.spawn() for _ in range(3)]
    assert [worker.slot for worker in workers] == [0, 1, 2]
    assert sorted(worker.listener_index for worker in workers) == [0, 1, 2]
    arbiter.end(workers[1])
    replacement = arbiter.spawn()
    assert replacement.slot == 1
    assert replacement.listener_index == workers[1].listener_index
    assert reasons(channel) == ["start"] * 3 + ["died"]


def test_a_worker_without_heartbeats_hung(
    channel: tuple[socket.socket, socket.socket],
) -> None:
    arbiter = Arbiter(channel[1], 2)
    hung, dead = arbiter.spawn(), arbiter.spawn()
    hung.aborted = True
    arbiter.end(hung)
    arbiter.spawn()
    arbiter.end(dead)
    arbiter.spawn()
    assert reasons(channel) == ["start", "start", "hung", "died"]


def test_a_reload_starts_workers_in_other_slots(
    channel: tuple[socket.socket, socket.socket],
) -> None:
    arbiter = Arbiter(channel[1], 2)
    old = [arbiter.spawn(), arbiter.spawn()]
    arbiter.spawning.on_reload(arbiter)
    new = [arbiter.spawn(), arbiter.spawn()]
    assert [worker.slot for worker in new] == [2, 3]
    assert sorted(worker.listener_index for worker in new) == [0, 1]
    for worker in old:
        arbiter.end(worker)
    arbiter.end(new[0])
    assert arbiter.spawn().slot == 0
    assert reasons(channel) == ["start"] * 2 + ["reload"] * 2 + ["died"]


def test_a_full_channel_delays_a_start_and_does_not_prevent_it(
    channel: tuple[socket.socket, socket.socket], caplog: pytest.LogCaptureFixture
) -> None:
    arbiter = Arbiter(channel[1], 1)
    while "the metrics do not include a worker: timed out" not in caplog.text:
        arbiter.spawn()
    assert arbiter.spawn().slot == len(arbiter.WORKERS) - 1
