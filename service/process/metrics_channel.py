"""The metrics of workers, on their side: the channel, and the answers to scrapes.

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

from service.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

#: Seconds for a message to be sent: Linux queues ten.
SEND_TIMEOUT = 1.0

#: Bytes of a message on the channel.
MAX_MESSAGE = 1024

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
    """Reports that a worker is started. Blocks for `SEND_TIMEOUT` at most."""
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
        # in a thread: the queue of the channel may be full
        await asyncio.to_thread(_send, channel, Serving(slot, os.getpid()), theirs)
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
