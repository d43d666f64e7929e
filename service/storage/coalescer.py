"""A micro-batcher: small requests that arrive together share one call to Tarantool.

A call has a fixed cost, in this process and in Tarantool, which its requests share.
Requests of one iteration of the event loop are sent at its end. While a call is in
flight, requests are collected until it returns, for `MAX_DELAY` at most: a slow call
delays no others. With the same number of clients this makes fewer calls.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Generic, TypeVar

from service.telemetry.families import Observations
from service.telemetry.tracing import CURRENT_SPAN, serving_context

if TYPE_CHECKING:
    from opentelemetry.trace import Span

Request = TypeVar("Request")
Result = TypeVar("Result")

#: Seconds that a request waits for a call in flight: a few times what a call takes.
MAX_DELAY = 0.002


class Coalescer(Generic[Request, Result]):
    """A queue of requests, for which it makes one call.

    It belongs to the event loop that it is created in: to ask for the running loop
    takes a system call.

    :param call: takes requests, returns a result for each, in their order
    :param max_requests: of one call; the next ones are sent in another call
    :param sizes: counts the requests of each call
    """

    def __init__(
        self,
        call: Callable[[list[Request]], Awaitable[list[Result]]],
        max_requests: int,
        sizes: Observations,
    ) -> None:
        self._call = call
        self._max_requests = max_requests
        self._sizes = sizes
        self._loop = asyncio.get_running_loop()
        self._requests: list[Request] = []
        self._results: list[asyncio.Future[Result]] = []
        self._spans: list[Span] = []  # of those requests that are sampled
        self._scheduled: asyncio.Handle | None = None
        self._in_flight: set[asyncio.Task[None]] = set()

    def submit(self, request: Request) -> asyncio.Future[Result]:
        """Adds a request to the next call; returns its result to be awaited.

        An exception of `call` becomes the result of each of its requests.
        """
        result: asyncio.Future[Result] = self._loop.create_future()
        self._requests.append(request)
        self._results.append(result)
        if (span := CURRENT_SPAN.get()) is not None:
            self._spans.append(span)
        if len(self._requests) == self._max_requests:
            self._send()
        elif self._scheduled is None:
            self._scheduled = (
                self._loop.call_later(MAX_DELAY, self._send)
                if self._in_flight
                else self._loop.call_soon(self._send)
            )
        return result

    def _send(self) -> None:
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None
        self._sizes.observe(len(self._requests))
        task = self._loop.create_task(
            self._run(self._requests, self._results),
            context=serving_context(self._spans),
        )
        self._requests, self._results, self._spans = [], [], []
        self._in_flight.add(task)
        task.add_done_callback(self._call_ended)

    def _call_ended(self, task: asyncio.Task[None]) -> None:
        self._in_flight.discard(task)
        if self._requests and not self._in_flight:
            self._send()

    async def _run(
        self, requests: list[Request], futures: list[asyncio.Future[Result]]
    ) -> None:
        try:
            results = await self._call(requests)
            for future, result in zip(futures, results, strict=True):
                if not future.done():
                    future.set_result(result)
        except Exception as error:
            for future in futures:
                if not future.done():
                    future.set_exception(error)
        finally:
            for future in futures:
                future.cancel()  # has no effect on one that is done
