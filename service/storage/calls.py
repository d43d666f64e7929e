"""Calls of procedures: on the leader, or on any node; their repetition after a failure.

A call that was not executed waits for the next leader, so that a failover is a pause
for clients. A write whose result was lost is not repeated, unless it is identified: it
may have been applied.
"""

import asyncio
import logging
from collections.abc import Collection
from functools import partial
from time import monotonic
from typing import Any

import msgspec
from asynctnt.exceptions import TarantoolDatabaseError, TarantoolNetworkError

from service.errors import (
    Applied,
    NotGranted,
    Problem,
    Stale,
    StorageUnavailable,
    TokenRevoked,
    Unavailable,
)
from service.repeated_messages import RepeatedMessages
from service.settings import Address
from service.sizes import KIB, SMALL
from service.storage.connection import CALL_TIMEOUT, Instance
from service.storage.nodes import Nodes
from service.storage.refusals import (
    READ_ONLY,
    is_ahead,
    is_refused_by_follower,
    is_unconfirmed,
    kind_of,
    problem_of,
    stale_problem_of,
    too_old,
    without_tuples,
)
from service.telemetry.families import Observations
from service.telemetry.metrics import DURATIONS, Metrics
from service.telemetry.tracing import Tracing
from service.yielding import yield_loop

log = logging.getLogger(__name__)

#: Bytes of a request and its result up to which a call uses the interactive connection,
#: beyond them the bulk one. A few keys and a result of `SMALL` bytes are interactive.
MAX_INTERACTIVE = SMALL + 8 * KIB

#: Seconds after which a stale read is sent to the next node.
STALE_TIMEOUT = 1.0

#: A long poll: its duration says nothing about the storage.
LONG_POLL = "kv.v1.follow_changes"

#: The kind of error of a call for which there is no node.
NO_NODE = "no_node"


class _Durations(dict[str, Observations]):
    """The durations of calls, by procedure."""

    def __init__(self, metrics: Metrics) -> None:
        super().__init__({LONG_POLL: Observations(DURATIONS)})  # never collected
        self._histogram = metrics.storage_calls

    def __missing__(self, procedure: str) -> Observations:
        self[procedure] = found = self._histogram.child(procedure)
        return found


class Calls:
    """Calls procedures on the nodes.

    :param stale_limit: the largest age of stale data, in seconds
    """

    def __init__(
        self,
        nodes: Nodes,
        stale_limit: float,
        metrics: Metrics,
        tracing: Tracing | None = None,
    ) -> None:
        self._nodes = nodes
        self._tracing = tracing
        self._stale_limit = stale_limit
        self._durations = _Durations(metrics)
        self._errors = metrics.storage_errors
        self._repeated = RepeatedMessages(log)

    async def call(
        self,
        procedure: str,
        *args: Any,
        writes: bool = False,
        is_repeatable: bool = False,
        is_coalesced: bool = False,
        size: int = 0,
    ) -> Any:
        """Calls a procedure on the leader, in a cluster perhaps again on the next one.

        It is called again if it was not executed; a read, and a write that is
        identified, also if its result was lost.

        :param writes: whether it may change data, for `applied` of an error
        :param is_repeatable: whether a write can be called again after it was applied
        :param is_coalesced: whether it is that of many small requests, and interactive
        :param size: bytes of the texts in the result, at most
        """
        arguments = msgspec.msgpack.encode(args)
        size = 0 if is_coalesced else size + len(arguments)
        await yield_loop(size)
        applied: Applied | None = "no" if writes else None
        deadline: float | None = None  # of the wait for the next leader
        while True:
            instance = self._nodes.leader
            if instance is None:
                deadline = deadline or self._nodes.deadline()
                instance = await self._next_leader(deadline, applied)
            try:
                return await self._exchange(instance, procedure, arguments, size)
            except TarantoolDatabaseError as error:
                if is_unconfirmed(error):
                    applied = "unknown" if writes else None
                deadline = deadline or self._nodes.deadline()
                can_repeat = not writes or is_repeatable
                if not await self._has_moved(instance, error, deadline, can_repeat):
                    # not assigned to a variable: the exception's traceback refers to
                    # this frame, which would refer to the exception
                    raise self._exception_of(error, applied, writes=writes) from None
            except (TarantoolNetworkError, OSError) as error:
                applied = "unknown" if writes else None
                is_timeout = isinstance(error, TimeoutError)
                self._nodes.poll()
                if is_timeout:
                    self._log(f"No answer within {CALL_TIMEOUT:g} s")
                can_repeat = self._nodes.has_elections and not is_timeout
                if not can_repeat or (writes and not is_repeatable):
                    raise StorageUnavailable(applied=applied) from None
                instance.drop()
                deadline = deadline or self._nodes.deadline()

    async def _next_leader(self, deadline: float, applied: Applied | None) -> Instance:
        """Waits until a node leads.

        :raises Unavailable: as `Nodes.next_leader` does
        """
        try:
            return await self._nodes.next_leader(deadline, applied)
        except Unavailable:
            self._errors.add(NO_NODE)
            raise

    async def _exchange(
        self,
        instance: Instance,
        procedure: str,
        arguments: bytes,
        size: int,
        timeout: float = CALL_TIMEOUT,  # noqa: ASYNC109 - that of asynctnt
    ) -> list[Any]:
        """Calls a procedure on this instance, once, and counts it.

        :param size: bytes of the arguments and, at most, of the texts in the result
        :raises TarantoolDatabaseError: the procedure has failed
        :raises TarantoolNetworkError: the connection is lost
        :raises OSError: it is lost, or there is no answer in time
        """
        bulk = size > MAX_INTERACTIVE
        connection = instance.bulk if bulk else instance.interactive
        began = monotonic()
        try:
            # not assigned to a variable: it refers to its exception, whose traceback
            # refers to this frame
            if self._tracing is None:
                response = await connection.call_encoded(procedure, arguments, timeout)
            else:
                call = partial(connection.call_encoded, procedure, arguments, timeout)
                response = await self._tracing.call(procedure, instance.address, call)
            # asynctnt's request and response refer to each other: their contents, many
            # megabytes perhaps, would stay until the next full garbage collection
            body = list(response.body)
            response.body.clear()
        except (TarantoolDatabaseError, TarantoolNetworkError, OSError) as error:
            kind = kind_of(error)
            if kind is not None:
                self._errors.add(kind)
            raise
        finally:
            self._durations[procedure].observe(monotonic() - began)
        await yield_loop(size)
        return body

    async def _has_moved(
        self,
        instance: Instance,
        error: TarantoolDatabaseError,
        deadline: float,
        can_repeat: bool,
    ) -> bool:
        """Whether a call that failed is to be made again on the next leader."""
        nodes = self._nodes
        if error.code in READ_ONLY:
            nodes.poll()
        if not nodes.has_elections:
            return False
        if is_ahead(error):
            return not await nodes.still_leads(instance)
        if is_refused_by_follower(error) or is_unconfirmed(error):
            nodes.refused(instance)
            can_repeat = can_repeat or not is_unconfirmed(error)
            return can_repeat and asyncio.get_running_loop().time() < deadline
        return False

    async def call_any(
        self, procedure: str, *args: Any, is_coalesced: bool = False, size: int = 0
    ) -> list[Any]:
        """Calls a procedure for stale data on the nearest node that has it.

        :param is_coalesced: as in `call`
        :param size: bytes of the texts in the result, at most
        :return: the age of the data in seconds, and the other results
        :raises Stale: no node has confirmed data within the limit of their age
        """
        arguments = msgspec.msgpack.encode(args)
        size = 0 if is_coalesced else size + len(arguments)
        problem: Problem | None = None
        tried: list[Address] = []
        while candidates := self._candidates(tried, problem):
            instance = candidates[0]
            tried.append(instance.address)
            timeout = STALE_TIMEOUT if len(candidates) > 1 else CALL_TIMEOUT
            try:
                body = await self._call_on(
                    instance, timeout, procedure, arguments, size
                )
            except (TokenRevoked, NotGranted) as why:
                problem = why
                continue
            except Unavailable as why:
                found: Problem = why
            else:
                if body[0] <= self._stale_limit:
                    return body
                found = too_old(body[0], self._stale_limit)
            # the best node is tried first: its reason is the one to report
            if not isinstance(problem, Stale):
                problem = found
        raise problem or StorageUnavailable()

    def _candidates(
        self, tried: Collection[Address], problem: Problem | None
    ) -> list[Instance]:
        """The instances that may answer a stale read, the best one first.

        :param problem: why the last one has not; the leader decides if an account is
            refused: another node may not have the account yet
        """
        is_refused = isinstance(problem, TokenRevoked | NotGranted)
        return [
            instance
            for instance in self._nodes.nearest(self._stale_limit)
            if instance.address not in tried
            and (instance is self._nodes.leader or not is_refused)
        ]

    async def _call_on(
        self,
        instance: Instance,
        timeout: float,  # noqa: ASYNC109 - that of asynctnt
        procedure: str,
        arguments: bytes,
        size: int,
    ) -> list[Any]:
        """Calls a procedure for stale data on this instance, once."""
        await yield_loop(size)
        try:
            return await self._exchange(instance, procedure, arguments, size, timeout)
        except TarantoolDatabaseError as error:
            raise self._stale_exception_of(error) from None
        except (TarantoolNetworkError, OSError):
            raise StorageUnavailable() from None

    def _exception_of(
        self, error: TarantoolDatabaseError, applied: Applied | None, *, writes: bool
    ) -> Exception:
        """The exception to raise: `error` itself when it is a fault of the service.

        :param applied: whether an attempt before this one may have been applied
        """
        problem = problem_of(error, writes=writes)
        if isinstance(problem, Unavailable):
            self._log(str(problem))
            if is_refused_by_follower(error):
                problem.applied = applied
        return problem or without_tuples(error)

    def _stale_exception_of(self, error: TarantoolDatabaseError) -> Exception:
        """The same for a stale read."""
        problem = stale_problem_of(error)
        if isinstance(problem, Unavailable):
            self._log(str(problem))
        return problem or without_tuples(error)

    def _log(self, reason: str) -> None:
        self._repeated.log(logging.WARNING, "calls fail: %s", reason)
