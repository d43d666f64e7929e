"""The metrics of requests: plain numbers for each route, and families at a scrape.

A request is counted once its reply has been sent, or has failed: a stream counts when
it ends. Bodies and replies count as they were sent, compressed ones too.
"""

from bisect import bisect_left
from collections.abc import Container, Iterable, Iterator
from time import perf_counter
from typing import get_args

from aiohttp import hdrs, web

from service.telemetry.families import (
    Counter,
    Distribution,
    Family,
    Labels,
    Observations,
)
from service.telemetry.metrics import DURATIONS
from service.web.headers import HeadedRequest, KeyOperation
from service.web.responses import code_of

#: The label of a route or a method that does not exist, and of a malformed request.
OTHER = "other"


class RouteMetrics:
    """What is counted for one route and method."""

    __slots__ = (
        "durations",
        "method",
        "path",
        "request_bytes",
        "response_bytes",
        "statuses",
    )

    def __init__(self, method: str, path: str, *, is_timed: bool) -> None:
        self.method = method
        self.path = path
        self.durations = Observations(DURATIONS) if is_timed else None
        self.statuses: dict[int, int] = {}
        self.request_bytes = 0
        self.response_bytes = 0


class RequestMetrics:
    """The metrics of a server's requests.

    Relies on `_match_info` of a request: `match_info` fails without a route.

    :param untimed: paths of the routes whose requests wait on purpose
    :param errors: error replies by code
    """

    def __init__(
        self,
        routes: Iterable[web.AbstractRoute],
        untimed: Container[str],
        errors: Counter,
    ) -> None:
        self._errors = errors
        self._keys: dict[KeyOperation, int] = dict.fromkeys(get_args(KeyOperation), 0)
        self._routes: dict[web.AbstractRoute, RouteMetrics] = {}
        for route in routes:
            if route.resource is not None:
                path = str(route.resource.canonical)
                self._routes[route] = RouteMetrics(
                    route.method, path, is_timed=path not in untimed
                )
        self._others = {
            method: RouteMetrics(method, OTHER, is_timed=True)
            for method in (*hdrs.METH_ALL, OTHER)
        }

    def count(
        self, request: HeadedRequest, response: web.StreamResponse, time: float
    ) -> float:
        """Counts a request that has been answered, and returns its duration.

        :param time: seconds by the clock of the loop, for a malformed request: that of
            uvloop counts milliseconds, and is read once in a cycle
        """
        began = request.began
        seconds = time if began is None else perf_counter() - began
        match = request._match_info
        found = None if match is None else self._routes.get(match.route)
        if found is None:
            found = self._others.get(request.method) or self._others[OTHER]
        status = response.status
        statuses = found.statuses
        statuses[status] = statuses.get(status, 0) + 1
        durations = found.durations
        if durations is not None:  # Observations.observe: the call costs too much here
            durations.counts[bisect_left(DURATIONS, seconds)] += 1
            durations.sum += seconds
        found.request_bytes += request.content.total_bytes
        found.response_bytes += request.writer.output_size
        for operation, keys in request.touched:
            self._keys[operation] += keys
        if status >= 400 and (code := code_of(response)) is not None:
            self._errors.add(code)
        return seconds

    def collect(self) -> Iterator[Family]:
        """The families at the moment of a scrape."""
        used = [
            each
            for each in (*self._routes.values(), *self._others.values())
            if each.statuses
        ]
        yield Family(
            "kv_http_requests",
            "counter",
            "Requests that were answered.",
            ("method", "route", "status"),
            [
                ((each.method, each.path, str(status)), number)
                for each in used
                for status, number in each.statuses.items()
            ],
        )
        yield Family(
            "kv_http_request_duration_seconds",
            "histogram",
            "Time from the head of a request to the end of its reply.",
            ("method", "route"),
            [
                ((each.method, each.path), each.durations.distribution())
                for each in used
                if each.durations is not None
            ],
            list(DURATIONS),
        )
        yield Family(
            "kv_keys_touched",
            "counter",
            "Keys of calls that succeeded.",
            ("operation",),
            [((operation,), number) for operation, number in self._keys.items()],
        )
        yield _by_route(
            "kv_http_request_bytes",
            "Bytes of request bodies.",
            [(each.path, each.request_bytes) for each in used],
        )
        yield _by_route(
            "kv_http_response_bytes",
            "Bytes of replies, with their heads.",
            [(each.path, each.response_bytes) for each in used],
        )


def _by_route(
    name: str, documentation: str, numbers: Iterable[tuple[str, int]]
) -> Family:
    """A counter of all methods of a route together."""
    sums: dict[str, int] = {}
    for path, number in numbers:
        sums[path] = sums.get(path, 0) + number
    samples: list[tuple[Labels, float | Distribution]] = [
        ((path,), number) for path, number in sums.items()
    ]
    return Family(name, "counter", documentation, ("route",), samples)
