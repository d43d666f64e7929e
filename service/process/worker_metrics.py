"""The metrics of workers, which the first process collects at a scrape."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator

import msgspec

from service.process.metrics_channel import (
    END_OF_ANSWER,
    MAX_MESSAGE,
    REASONS,
    REQUEST,
    Serving,
    Starting,
)
from service.telemetry.exposition import WORKER, process_families, with_label
from service.telemetry.families import Counter, Family, gauge, gauges

log = logging.getLogger(__name__)

#: Seconds for a worker to answer. A scrape takes this long if a worker hangs.
TIMEOUT = 1.0

#: Bytes of one worker's metrics as text; they have some tens of thousands.
MAX_ANSWER = 64 * 1024 * 1024


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
        except (asyncio.LimitOverrunError, msgspec.DecodeError) as error:
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
