"""Admission control: requests in flight, reserved bytes, watchers, and their limits.

A request counts while it is worked on. It does not count while its body arrives or its
reply is sent: slow clients do not use up the limit. Nor does it while it waits for a
password check, which has a queue of its own, or for changes: then it is a watcher.
A request reserves bytes for its body, then for its reply until the client has taken it.
What exceeds a limit is refused at once: a waiting request takes memory, too.
"""

import contextlib
from collections.abc import Container, Iterator
from typing import Literal

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from service.errors import Overloaded
from service.settings import Settings
from service.sizes import SMALL
from service.telemetry.families import Family, gauge, gauges
from service.web.large_work import Slots

WatcherKind = Literal["stream", "poll"]

#: Seconds that a long poll may wait: the usual timeout of proxies is 60.
MAX_POLL = 55

#: Safe methods (RFC 9110, section 9.2.1), if a route has them.
SAFE = (hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS)

#: The part of the connections that streams and long polls may occupy: the rest is for
#: other requests.
WATCHERS_SHARE = 3 / 4

#: Connections beyond the limit, for several health checks while all others are busy.
HEALTH_RESERVE = 16

#: Requests for exempt routes that are admitted beyond the limit.
EXEMPT_HEADROOM = 64


class Admission:
    """The usage at this moment, and the limits: this worker's share of the settings.

    :ivar reserved: bytes of bodies and replies, limited by `KV_MAX_HELD`
    :ivar max_poll: seconds until a long poll is answered, with or without a change
    :ivar client_timeout: seconds for the head of a request; for a body or a reply, in
        addition to the time that its length permits
    """

    def __init__(
        self, settings: Settings, max_delay: float, health_reserve: int = HEALTH_RESERVE
    ) -> None:
        """
        :param max_delay: seconds that a large body or reply waits for its slot
        :param health_reserve: connections beyond the limit, for health checks
        """
        self.requests = 0
        self.reserved = 0
        self._watchers: dict[str, int] = {"stream": 0, "poll": 0}
        self.is_stopping = False
        self.slots = Slots(max_delay)
        self.max_requests = settings.share(settings.max_in_flight)
        self.max_reserved = settings.share(settings.max_held)
        self.max_connections = settings.share(settings.max_connections)
        self.health_reserve = health_reserve
        self.max_poll = float(MAX_POLL)
        self._max_watchers = settings.share(settings.max_watchers)
        self.client_timeout = float(settings.client_timeout)

    def reserve(self, before: int, size: int, share: float) -> int:
        """Changes what a request has reserved from `before` to `size` bytes.

        Returns the bytes that count: none for a small body or reply.

        :raises Overloaded: the limit is reached
        """
        counted = size if size > SMALL else 0
        if counted > before:
            self.check_capacity(counted - before, share)
        self.reserved += counted - before
        return counted

    def check_capacity(self, more: int, share: float = 1) -> None:
        """Checks whether this many bytes could be reserved.

        :raises Overloaded: the limit would be exceeded
        """
        limit = int(self.max_reserved * share)
        if self.reserved + more > limit:
            part = "" if share == 1 else f", {share:.0%} of KV_MAX_HELD"
            raise Overloaded(
                f"{self.reserved} bytes of bodies and replies are buffered, "
                f"the limit is {limit}{part}"
            )

    @property
    def available(self) -> int:
        """Bytes that can be reserved."""
        return max(0, self.max_reserved - self.reserved)

    @property
    def max_watchers(self) -> int:
        share = max(1, int(self.max_connections * WATCHERS_SHARE))
        return min(self._max_watchers, share)

    @property
    def is_full(self) -> bool:
        """Whether more requests count than the limit."""
        return self.requests > self.max_requests

    def admit(self, headroom: int = 0) -> None:
        """Checks the limit for a request that counts already.

        :param headroom: requests that are admitted beyond the limit
        :raises Overloaded: it exceeds the limit
        """
        if self.requests > self.max_requests + headroom:
            raise Overloaded(f"{self.max_requests} requests are in flight, the limit")

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """A context in which a request waits for something with its own limit.

        The request does not count.
        """
        self.requests -= 1
        try:
            yield
        finally:
            self.requests += 1

    @property
    def watchers(self) -> int:
        return sum(self._watchers.values())

    @contextlib.contextmanager
    def watching(self, kind: WatcherKind) -> Iterator[None]:
        """A context in which a request waits for changes and counts as a watcher.

        :raises Overloaded: there are too many watchers
        """
        if self.watchers >= self.max_watchers:
            raise Overloaded(
                f"{self.watchers} watchers are connected, the limit "
                f"is {self.max_watchers}"
            )
        self._watchers[kind] += 1
        try:
            with self.waiting():
                yield
        finally:
            self._watchers[kind] -= 1

    def collect(self) -> Iterator[Family]:
        """The usage and the limits as metrics."""
        for name, documentation, value in (
            ("kv_http_requests_in_flight", "Requests in flight.", self.requests),
            ("kv_http_requests_in_flight_limit", "Their limit.", self.max_requests),
            (
                "kv_buffered_bytes",
                "Bytes of large bodies and replies in memory.",
                self.reserved,
            ),
            ("kv_buffered_limit_bytes", "Their limit.", self.max_reserved),
            ("kv_connections_limit", "Limit of connections.", self.max_connections),
            ("kv_watchers_limit", "Limit of watchers.", self.max_watchers),
        ):
            yield gauge(name, documentation, value)
        yield gauges("kv_watchers", "Watchers.", "kind", self._watchers)


def admission_middleware(
    admission: Admission, reading: Container[tuple[str, str]], exempt: Container[str]
) -> Middleware:
    """The middleware that refuses requests beyond the limit, except exempt ones.

    A request refused for overload, here or later, has changed nothing: the reply to
    a write says so.

    :param reading: method and path of the routes that write nothing
    :param exempt: paths of the routes that are answered beyond the limit too
    """

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            if admission.is_full:
                admission.admit(EXEMPT_HEADROOM if _is_exempt(request, exempt) else 0)
            return await handler(request)
        except Overloaded as refused:
            if not is_read(request, reading):
                refused.applied = "no"
            raise

    return middleware


def is_read(request: web.BaseRequest, reading: Container[tuple[str, str]]) -> bool:
    """Whether the request writes nothing, whatever its reply.

    :param reading: method and path of the routes that write nothing
    """
    return request.method in SAFE or (request.method, request.path) in reading


def _is_exempt(request: web.Request, exempt: Container[str]) -> bool:
    """Whether it is a preflight, or for an exempt path; never without a route."""
    resource = request.match_info.route.resource
    return resource is not None and (
        request.method == hdrs.METH_OPTIONS or resource.canonical in exempt
    )
