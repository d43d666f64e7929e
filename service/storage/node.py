"""A node: an address of Tarantool, its connections, and the status that it reports."""

import asyncio
import contextlib
import logging
import math
from collections.abc import Callable

from asynctnt.exceptions import TarantoolDatabaseError, TarantoolNetworkError

from service.repeated_messages import RepeatedMessages
from service.settings import Address
from service.storage.connection import CALL_TIMEOUT, Instance, Unreachable
from service.storage.leadership import Status, View
from service.telemetry.families import Counter

log = logging.getLogger(__name__)

#: Seconds between two attempts to connect to a node.
RECONNECT_INTERVAL = 0.1

#: Seconds between two polls of a node's status.
POLL_INTERVAL = 0.25

#: The same while no node leads: an election takes about a second, and the calls wait.
URGENT_POLL_INTERVAL = 0.05

#: Seconds after which a node that does not answer a poll is silent, and no calls are
#: sent to it. Large batches and snapshots stalled Tarantool for 0.8 s: calls wait then.
SILENCE = 0.5

#: The weight of the last poll in the average latency.
LATENCY_WEIGHT = 0.2


class Node:
    """An address with its instance, which it reconnects and polls.

    :param on_change: called after each change of the instance or its status
    :param reconnects: counts the connections after the first one
    :param is_polled: whether the status is polled; otherwise it is that of the start
    :ivar instance: None while it is not connected
    :ivar is_logging: whether its failures are warnings; at the start they are expected
    :ivar latency: the average seconds of a poll
    :ivar failure: why it is not connected; None before the first attempt ends
    """

    def __init__(
        self,
        address: Address,
        user: str,
        password: str,
        on_change: Callable[[], None],
        reconnects: Counter,
        *,
        is_polled: bool,
    ) -> None:
        self.address = address
        self.instance: Instance | None = None
        self.status: Status | None = None
        self.latency = 0.0
        self.failure: Unreachable | None = None
        self.is_urgent = False
        self.is_logging = False
        self._user = user
        self._password = password
        self._on_change = on_change
        self._reconnects = reconnects
        self._has_connected = False
        self._is_polled = is_polled
        self._is_silent = False
        self._clock = asyncio.get_running_loop().time
        self._polled_at = 0.0
        self._is_due = asyncio.Event()
        self._is_lost = asyncio.Event()
        self._failures = RepeatedMessages(log)
        self._task: asyncio.Task[None] | None = None

    @property
    def view(self) -> View:
        return View(self.status, self._is_silent)

    @property
    def answers(self) -> bool:
        """Whether it is connected, and answered its last poll in time."""
        return self.status is not None and not self._is_silent

    @property
    def lag(self) -> float:
        """Seconds since the node heard from the leader; infinite: not known."""
        if not self.answers or self.status is None:
            return math.inf
        return self.status.lag + self._clock() - self._polled_at

    @property
    def has_been_tried(self) -> bool:
        return self.instance is not None or self.failure is not None

    def start(self) -> None:
        """Begins to connect, and to reconnect."""
        self._task = asyncio.create_task(self._keep())

    async def close(self) -> None:
        """Disconnects."""
        # asynctnt connects with asyncio.wait_for. That of Python 3.11 swallows a
        # cancellation at the moment its inner task ends: cancel again until it works
        while self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.wait([self._task], timeout=RECONNECT_INTERVAL)
        instance, self.instance = self.instance, None
        if instance is not None:
            await instance.disconnect()

    def poll(self) -> None:
        """Requests a poll at once."""
        self._is_due.set()

    def no_longer_leads(self) -> None:
        """Notes that it has refused a call because it does not lead."""
        if self.status is not None:
            self.status = self.status._replace(leads=False, read_only=True)
        self.poll()
        self._on_change()

    async def _keep(self) -> None:
        while True:
            self._is_lost.clear()
            instance = Instance(self.address, self._user, self._password, self._lost)
            try:
                status = await instance.open()
            except Unreachable as why:
                self._failed(why)
                await asyncio.sleep(RECONNECT_INTERVAL)
                continue
            self._use(instance, status)
            watch = self._poll(instance) if self._is_polled else self._is_lost.wait()
            # an instance that is lost at once is not connected to all the time
            await asyncio.gather(watch, asyncio.sleep(RECONNECT_INTERVAL))

    def _use(self, instance: Instance, status: Status) -> None:
        if self._has_connected:
            self._reconnects.add()
        self._has_connected = True
        self.instance, self.status = instance, status
        self._polled_at = self._clock()
        self.failure = None
        self._is_silent = False
        self._failures.forget()
        log.info("connected to Tarantool at %s", self.address)
        self._on_change()

    def _failed(self, why: Unreachable) -> None:
        self.failure = why
        if self.is_logging:
            self._failures.log(logging.WARNING, "cannot use Tarantool: %s", why)
        elif self._is_polled:
            self._failures.log(logging.INFO, "waiting for Tarantool: %s", why)
        self._on_change()

    def _lost(self, instance: Instance) -> None:
        if instance is not self.instance:
            return
        if not instance.is_dropped:
            log.warning("lost the connection to Tarantool at %s", self.address)
        self.instance = self.status = None
        self._is_lost.set()
        self._is_due.set()
        self._on_change()

    async def _poll(self, instance: Instance) -> None:
        """Polls the status until the connection is lost."""
        while instance.is_open:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(
                    URGENT_POLL_INTERVAL if self.is_urgent else POLL_INTERVAL
                ):
                    await self._is_due.wait()
            self._is_due.clear()
            if instance.is_open:
                await self._read_status(instance)

    async def _read_status(self, instance: Instance) -> None:
        began = self._clock()
        answer = asyncio.ensure_future(instance.interactive.status())
        try:
            await self._wait_for(answer)
            status = await answer
        except TimeoutError:
            log.warning("Tarantool at %s does not answer", self.address)
            instance.drop()  # perhaps the network is cut: another connection may work
            return
        except (TarantoolNetworkError, OSError):
            return  # the connection is lost
        except TarantoolDatabaseError:
            status = None  # its procedures are not published, or no longer
        except Exception:
            log.exception("the status of Tarantool at %s", self.address)
            status = None
        finally:
            answer.cancel()
        if instance is not self.instance:
            return
        self._is_silent = False
        self.status = status
        self._polled_at = self._clock()
        took = self._polled_at - began
        self.latency += (took - self.latency) * (LATENCY_WEIGHT if self.latency else 1)
        self._on_change()

    async def _wait_for(self, answer: asyncio.Future[Status]) -> None:
        """Waits for the answer of a poll; notes that the node is silent if it is late.

        The wait has two halves: after a pause of this process, in which the answer has
        arrived, the second one is still to come.
        """
        for _ in range(2):
            await asyncio.wait({answer}, timeout=SILENCE / 2)
        if not answer.done():
            self._is_silent = True
            self._on_change()
            await asyncio.wait({answer}, timeout=CALL_TIMEOUT)
