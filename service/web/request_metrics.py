"""The metrics of requests: plain numbers for each route, and families at a scrape.

A request is counted once its reply has been sent, or has failed: a stream counts when
it ends. Bodies and replies count as they were sent, compressed ones too.
"""

from collections import Counter as Counts
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

#: Requests of a route that are noted before they are added up. Between two requests the
#: sums leave the CPU's caches: added up together, a request costs less.
MAX_NOTED = 64

#: What is noted of a request: the status of its reply, its keys, its duration, its
#: bytes and those of its reply.
Noted = tuple[int, tuple[tuple[KeyOperation, int], ...], float, int, int]

OPERATIONS: tuple[KeyOperation, ...] = get_args(KeyOperation)

#: The lowest status of an error. A member of an enumeration takes longer to look up.
FIRST_ERROR = 400

#: The label of a route or a method that does not exist, and of a malformed request.
OTHER = "other"


class RouteMetrics:
    """What is counted for one route and method."""

    __slots__ = (
        "durations",
        "keys",
        "method",
        "noted",
        "path",
        "request_bytes",
        "response_bytes",
        "statuses",
    )

    def __init__(self, method: str, path: str, *, is_timed: bool) -> None:
        self.method = method
        self.path = path
        self.noted: list[Noted] = []
        self.statuses: Counts[int] = Counts()
        self.keys = dict.fromkeys(OPERATIONS, 0)
        self.durations = Observations(DURATIONS) if is_timed else None
        self.request_bytes = 0
        self.response_bytes = 0

    def add_up(self) -> None:
        """Adds what is noted to the sums."""
        if not self.noted:
            return
        statuses, touched, seconds, received, sent = zip(*self.noted, strict=True)
        self.noted.clear()
        self.statuses.update(statuses)
        sums = self.keys
        for operations in touched:
            for operation, keys in operations:
                sums[operation] += keys
        if self.durations is not None:
            self.durations.observe_all(seconds)
        self.request_bytes += sum(received)
        self.response_bytes += sum(sent)


class RequestMetrics:
    """The metrics of a server's requests.

    Relies on `_match_info` of a request: `match_info` fails without a route. Relies on
    `_payload` and `_payload_writer` of a request, `_route` of a match and `_status` of
    a reply: their properties take a seventh of the instructions of all metrics.

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
        self, request: HeadedRequest, response: web.StreamResponse, _: float | None
    ) -> float:
        """Counts a request that has been answered, and returns its duration.

        :return: seconds since the request was dispatched, 0 for a malformed one
        """
        began, match = request.began, request._match_info
        seconds = 0.0 if began is None else perf_counter() - began
        found = None if match is None else self._routes.get(match._route)
        if found is None:
            found = self._others.get(request.method) or self._others[OTHER]
        status, noted = response._status, found.noted
        noted.append(
            (
                status,
                request.touched,
                seconds,
                request._payload.total_bytes,
                request._payload_writer.output_size,
            )
        )
        if len(noted) == MAX_NOTED:
            found.add_up()
        if status >= FIRST_ERROR and (code := code_of(response)):
            self._errors.add(code)
        return seconds

    def collect(self) -> Iterator[Family]:
        """The families at the moment of a scrape."""
        all_metrics = [*self._routes.values(), *self._others.values()]
        for each in all_metrics:
            each.add_up()
        used = [each for each in all_metrics if each.statuses]
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
            [
                ((operation,), sum(each.keys[operation] for each in used))
                for operation in OPERATIONS
            ],
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
