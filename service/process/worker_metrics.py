"""The metrics of workers, which the first process collects at a scrape.

A channel leads to the first process: a socket that the arbiter and all workers inherit.
The arbiter sends a message for each worker that it starts. A worker that serves sends a
message with a socket of its own, on which it answers the first process with metrics.
The sockets have no names: no other process can connect, and none is left behind.
With one worker, which runs in the first process, both ends are in this process.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator

import msgspec

from service.telemetry.exposition import WORKER, process_families, with_label
from service.telemetry.families import Counter, Family, gauge, gauges
from service.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

#: Seconds for a worker to answer. A scrape takes this long if a worker hangs.
TIMEOUT = 1.0

#: Seconds for a message to be sent: Linux queues ten.
SEND_TIMEOUT = 1.0

#: Bytes of a message on the channel.
MAX_MESSAGE = 1024

#: Bytes of one worker's metrics as text; they have some tens of thousands.
MAX_ANSWER = 64 * 1024 * 1024

#: Reasons for a start: the service starts or reloads, or a worker has to be replaced.
START, RELOAD, DIED, HUNG = REASONS = "start", "reload", "died", "hung"

REQUEST = b"?"
END_OF_ANSWER = b"\n"


class Starting(msgspec.Struct, frozen=True, tag=True):
    """A worker is started.

    :ivar reason: a constant of this module
    """

    reason: str


class Serving(msgspec.Struct, frozen=True, tag=True):
    """A worker serves; the message has one end of its socket.

    :ivar slot: a number that no other worker has at the same time
    """

    slot: int
    pid: int


def new_channel() -> tuple[socket.socket, socket.socket]:
    """The two ends: of the first process, and of the arbiter and the workers."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)


def send_starting(channel: socket.socket | None, reason: str) -> None:
    """Reports that a worker is started."""
    if channel is not None:
        _send(channel, Starting(reason))


@contextlib.asynccontextmanager
async def answering(
    channel: socket.socket | None, slot: int, metrics: Metrics
) -> AsyncIterator[None]:
    """Answers the first process with the metrics of this worker.

    :param channel: None: they are not collected
    """
    if channel is None:
        yield
        return
    ours, theirs = socket.socketpair()
    with theirs:
        _send(channel, Serving(slot, os.getpid()), theirs)
    reader, writer = await asyncio.open_connection(sock=ours)
    answers = asyncio.create_task(_answer(reader, writer, metrics))
    try:
        yield
    finally:
        answers.cancel()
        await asyncio.wait([answers])
        writer.close()


async def _answer(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, metrics: Metrics
) -> None:
    try:
        while await reader.read(len(REQUEST)):
            writer.write(msgspec.json.encode(metrics.collect()) + END_OF_ANSWER)
            await writer.drain()
    except OSError:
        pass  # the first process has ended, and the kernel is about to end this one
    except Exception:
        log.exception("the metrics of this worker have failed")
        writer.close()


def _send(
    channel: socket.socket,
    message: Starting | Serving,
    attached: socket.socket | None = None,
) -> None:
    channel.settimeout(SEND_TIMEOUT)
    descriptors = [] if attached is None else [attached.fileno()]
    try:
        socket.send_fds(channel, [msgspec.json.encode(message)], descriptors)
    except OSError as error:
        log.error("the metrics do not include a worker: %s", error)


class WorkerMetrics:
    """The metrics of all workers, in the event loop that serves scrapes.

    :param channel: the end of the first process
    :param workers: how many there are, except during a reload
    """

    def __init__(self, channel: socket.socket, workers: int) -> None:
        self._channel = channel
        self._workers = workers
        self._starts = Counter(
            "kv_worker_starts", "Starts of workers, with their reasons.", "reason"
        )
        for reason in REASONS:  # `increase()` counts from the first value that it finds
            self._starts.add(reason, amount=0)
        self._serving: dict[int, _Worker] = {}
        #: Slots of workers that have ended.
        self._vacant: set[int] = set()

    @contextlib.asynccontextmanager
    async def receiving(self) -> AsyncIterator[None]:
        """Receives the messages of the channel."""
        loop = asyncio.get_running_loop()
        self._channel.setblocking(False)
        loop.add_reader(self._channel, self._receive)
        try:
            yield
        finally:
            loop.remove_reader(self._channel)
            for worker in self._serving.values():
                worker.close()

    async def collect(self) -> list[Family]:
        """The families of all workers, each with the label `worker`.

        A worker that does not answer within `TIMEOUT` seconds is left out, except for
        the numbers that the system has of its process; `kv_worker_up` is 0.
        """
        workers = list(self._serving.values())
        answers = await asyncio.gather(*(worker.ask() for worker in workers))
        families: list[Family] = []
        up: dict[str, float] = {}
        for worker, answer in zip(workers, answers, strict=True):
            slot = str(worker.slot)
            if worker.has_ended:
                self._remove(worker)
                continue
            up[slot] = float(answer is not None)
            counted = (*process_families(worker.pid), *(answer or ()))
            families += (with_label(family, WORKER, slot) for family in counted)
        return [*families, *self._families(up)]

    def _families(self, up: dict[str, float]) -> list[Family]:
        missing = max(0, self._workers - len(self._serving))
        vacant = [str(slot) for slot in sorted(self._vacant)[:missing]]
        up |= dict.fromkeys(vacant, 0.0)
        return [
            gauge("kv_workers", "Workers, as configured.", self._workers),
            gauges(
                "kv_worker_up", "Whether the worker answered this scrape.", WORKER, up
            ),
            self._starts.collect(),
        ]

    def _remove(self, worker: "_Worker") -> None:
        worker.close()
        if self._serving.get(worker.slot) is worker:
            del self._serving[worker.slot]
            self._vacant.add(worker.slot)

    def _receive(self) -> None:
        message, descriptors, _, _ = socket.recv_fds(self._channel, MAX_MESSAGE, 1)
        match msgspec.json.decode(message, type=Starting | Serving):
            case Starting(reason):
                self._starts.add(reason)
            case Serving(slot, pid):
                worker = _Worker(slot, pid, socket.socket(fileno=descriptors[0]))
                if slot in self._serving:
                    self._remove(self._serving[slot])
                self._serving[slot] = worker
                self._vacant.discard(slot)
                if len(self._serving) >= self._workers:
                    self._vacant.clear()  # a reload gives new workers other slots


class _Worker:
    """A worker that serves.

    :ivar has_ended: its process has ended, as `ask` found
    """

    def __init__(self, slot: int, pid: int, connection: socket.socket) -> None:
        self.slot = slot
        self.pid = pid
        self.has_ended = False
        self._socket = connection
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._has_pending_request = False

    async def ask(self) -> list[Family] | None:
        """Its families; None: it does not answer, or has ended."""
        try:
            async with asyncio.timeout(TIMEOUT):
                return await self._exchange()
        except TimeoutError:
            return None
        except (EOFError, OSError):
            self.has_ended = True
            return None
        except msgspec.DecodeError as error:
            log.error("no metrics of worker %d: %s", self.slot, error)
            return None

    async def _exchange(self) -> list[Family]:
        if self._streams is None:
            self._streams = await asyncio.open_connection(
                sock=self._socket, limit=MAX_ANSWER
            )
        reader, writer = self._streams
        if self._has_pending_request:  # of an earlier scrape: its numbers are old
            await reader.readuntil(END_OF_ANSWER)
        self._has_pending_request = True
        writer.write(REQUEST)
        answer = await reader.readuntil(END_OF_ANSWER)
        self._has_pending_request = False
        return msgspec.json.decode(answer, type=list[Family])

    def close(self) -> None:
        if self._streams is None:
            self._socket.close()
        else:
            self._streams[1].close()
