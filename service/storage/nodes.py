"""The nodes of Tarantool, and the one that calls are sent to.

With one address this is the instance at it. With several addresses every node is
connected and polled on its own, so that one that hangs delays no other. Calls are sent
to the leader of the highest term. When there is none, a call waits for the next one.
"""

import asyncio
import logging
import math
from collections.abc import Sequence

from service.errors import (
    Applied,
    NoQuorum,
    StartError,
    StorageUnavailable,
    Unavailable,
)
from service.settings import Address
from service.storage.connection import Instance
from service.storage.leadership import choose_instance, choose_leader
from service.storage.node import Node
from service.telemetry.metrics import Metrics

log = logging.getLogger(__name__)

#: Seconds without a majority after which calls are refused at once: the time of an
#: election with `replication_timeout` 0.25 and `election_timeout` 0.5. A node that has
#: lost its connections in an election restores them in that time.
ELECTION_TIMEOUT = 1.0

#: Seconds in which calls that a former leader has answered still arrive, after another
#: node leads. Then its connections are closed: its calls may hang.
GRACE = 0.5


class Nodes:
    """The nodes, one for each address.

    :param addresses: in the order of preference, where there are no elections
    :param failover_wait: seconds that a call waits for the next leader
    :ivar leader: the instance to send calls to; None while there is none
    :ivar has_elections: whether the nodes elect their leader
    """

    def __init__(
        self,
        addresses: Sequence[Address],
        user: str,
        password: str,
        failover_wait: float,
        metrics: Metrics,
    ) -> None:
        self.leader: Instance | None = None
        self.has_elections = False
        self._failover_wait = failover_wait
        is_polled = len(addresses) > 1
        self._nodes = [
            Node(
                address,
                user,
                password,
                self._update,
                metrics.storage_reconnects,
                is_polled=is_polled,
            )
            for address in addresses
        ]
        self._clock = asyncio.get_running_loop().time
        self._chosen: int | None = None
        self._is_open = False
        self._logged = ""
        # the beginnings of what lasts, None: it does not
        self._no_leader_since: float | None = -math.inf
        self._no_quorum_since: float | None = None
        self._none_answers_since: float | None = None
        #: Set when there is a leader, and when calls are refused without waiting.
        self._is_decided = asyncio.Event()
        #: Set at each change of a node, and at each failed attempt to connect.
        self._has_changed = asyncio.Event()

    async def open(self, max_wait: float) -> None:
        """Connects; tries again for `max_wait` seconds.

        :raises StartError: no instance can be reached
        """
        deadline = self._clock() + max_wait
        for node in self._nodes:
            node.start()
        try:
            while not self._can_start(has_time=self._clock() < deadline):
                self._has_changed.clear()
                await self._has_changed.wait()
        except BaseException:
            await self.close()
            raise
        self._is_open = True
        for node in self._nodes:
            node.is_logging = True
        self._log_leader()

    def _can_start(self, *, has_time: bool) -> bool:
        """Whether calls can be sent.

        :raises StartError: they never can, or the time is over
        """
        if self.has_elections and self.leader is not None:
            return True
        if not all(node.has_been_tried for node in self._nodes):
            return False
        if self.leader is not None or self._has_no_quorum:
            return True
        failures = [node.failure for node in self._nodes if node.failure is not None]
        all_failed = len(failures) == len(self._nodes)
        # the first leader of a new cluster has yet to create the service's account
        is_final = len(self._nodes) == 1 and all(why.final for why in failures)
        if has_time and not (all_failed and is_final):
            return False
        if all_failed:
            raise StartError(f"cannot use Tarantool: {'; '.join(map(str, failures))}")
        return True  # stale reads are possible

    async def close(self) -> None:
        await asyncio.gather(*(node.close() for node in self._nodes))
        self.leader = None

    def check_leader(self) -> None:
        """Checks that a leader accepts calls, or has done lately.

        :raises NoQuorum: the nodes see no majority
        :raises StorageUnavailable: no node leads, or none answers
        """
        since = self._no_leader_since
        if since is not None and self._clock() - since >= self._failover_wait:
            raise self._why_none(None)

    @property
    def lowest_lag(self) -> float | None:
        """Seconds since a node that answers heard from a leader; infinite: none has
        since its start; None: no node answers."""
        return min((node.lag for node in self._nodes if node.answers), default=None)

    def nearest(self, max_lag: float) -> list[Instance]:
        """The instances that answer, those with the lowest latency first.

        :param max_lag: seconds; nodes that lag more come last, by their lag
        """
        answering = sorted(
            (max(node.lag, max_lag), node.latency, i, node.instance)
            for i, node in enumerate(self._nodes)
            if node.answers and node.instance
        )
        return [instance for _, _, _, instance in answering]

    def poll(self) -> None:
        """Requests a poll of all nodes: a call has failed."""
        for node in self._nodes:
            node.poll()

    def refused(self, instance: Instance) -> None:
        """Notes that an instance does not lead, and finds out who does."""
        for node in self._nodes:
            if node.instance is instance:
                node.no_longer_leads()
        self.poll()

    def deadline(self) -> float:
        """The time until which a call that begins to wait now waits for a leader."""
        return self._clock() + (self._failover_wait if self.has_elections else 0)

    async def next_leader(self, deadline: float, applied: Applied | None) -> Instance:
        """Waits until a node leads.

        :param applied: of the error
        :raises NoQuorum: the nodes see no majority
        :raises StorageUnavailable: no node leads in time, or none answers
        """
        while self.leader is None:
            try:
                async with asyncio.timeout_at(deadline):
                    await self._is_decided.wait()
            except TimeoutError:
                pass
            if self.leader is None:
                raise self._why_none(applied)
        return self.leader

    async def still_leads(self, instance: Instance) -> bool:
        """Whether an instance leads after a poll of all nodes."""
        self.poll()
        await asyncio.sleep(GRACE)
        return self.leader is instance

    def _why_none(self, applied: Applied | None) -> Unavailable:
        if self._has_no_quorum:
            return NoQuorum(applied=applied)
        answering = [node.status for node in self._nodes if node.answers]
        if any(status.leader for status in answering if status):
            why = "The storage's leader does not answer"
        elif answering:
            why = "No storage node leads"
        else:
            why = ""
        return StorageUnavailable(why, applied=applied)

    @property
    def _has_no_quorum(self) -> bool:
        since = self._no_quorum_since
        return since is not None and self._clock() - since >= ELECTION_TIMEOUT

    def _update(self) -> None:
        """Chooses the leader again, after a change of a node."""
        self._has_changed.set()
        views = [node.view for node in self._nodes]
        if not self.has_elections and len(self._nodes) > 1:
            self.has_elections = any(view.status and view.status.term for view in views)
        choose = choose_leader if self.has_elections else choose_instance
        # at the start the first of several counts, whichever is connected first
        chosen = choose(views, self._chosen if self._is_open else None)
        leader = None if chosen is None else self._nodes[chosen].instance
        if leader is not self.leader:
            self.leader, self._chosen = leader, chosen
            self._end_calls_of_others()
        self._note_times()
        self._log_leader()
        is_urgent = self.has_elections and leader is None
        for node in self._nodes:
            node.is_urgent = is_urgent

    def _note_times(self) -> None:
        now = self._clock()
        answering = [node.status for node in self._nodes if node.answers]
        sees_none = bool(answering) and not any(s.quorum for s in answering if s)
        no_leader = self.leader is None
        self._no_leader_since = _since(self._no_leader_since, no_leader, now)
        self._no_quorum_since = _since(
            self._no_quorum_since, no_leader and sees_none, now
        )
        self._none_answers_since = _since(self._none_answers_since, not answering, now)
        since = self._none_answers_since
        gone = since is not None and now - since >= self._failover_wait
        if not no_leader or self._has_no_quorum or gone:
            self._is_decided.set()
        else:
            self._is_decided.clear()

    def _end_calls_of_others(self) -> None:
        """Ends the calls in flight on former leaders, whose results may never come."""
        if self.leader is None:
            return
        self.leader.has_led = True
        if not self.has_elections:
            return
        for node in self._nodes:
            former = node.instance
            if former is None or former is self.leader or not former.has_led:
                continue
            former.has_led = False
            if node.answers:
                loop = asyncio.get_running_loop()
                loop.call_later(GRACE, self._end_calls, former)
            else:
                former.drop()

    def _end_calls(self, former: Instance) -> None:
        if former is not self.leader:
            former.drop()

    def _log_leader(self) -> None:
        """Logs which node leads, if that has changed."""
        if len(self._nodes) == 1 or not self._is_open:
            return
        if self._chosen is None:
            reason = ": the nodes see no majority" if self._has_no_quorum else ""
            level, message = logging.WARNING, f"no Tarantool leads{reason}"
        else:
            node = self._nodes[self._chosen]
            term = node.status.term if node.status is not None else 0
            message = f"Tarantool at {node.address} leads"
            message += f" in term {term}" if term else ""
            level = logging.INFO
        if message != self._logged:
            log.log(level, "%s", message)
            self._logged = message


def _since(since: float | None, lasts: bool, now: float) -> float | None:
    """When something began that lasts or not, from when it began as known before."""
    if not lasts:
        return None
    return now if since is None else since
