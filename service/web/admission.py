"""What this process has in hand, and the bounds of it.

A request counts once it has arrived whole, until its reply is made: who sends or reads
slowly takes nobody's place, nor does who waits for a password to be checked: that has a
queue of its own. One that waits for changes counts as a watcher meanwhile.
What a request holds is its body, then its reply until it is taken. Whatever goes beyond
a bound is refused at once: those who wait cost memory too.
"""

import contextlib
from collections.abc import Container, Iterator

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from service.errors import Overloaded
from service.settings import Settings
from service.sizes import SMALL
from service.web.large_work import Turns

#: Seconds that a long poll may wait: proxies give up on a silent reply after 60.
MAX_POLL = 55

#: RFC 9110, section 9.2.1; of those that any route has.
SAFE = (hdrs.METH_GET, hdrs.METH_HEAD, hdrs.METH_OPTIONS)

#: The part of the connections that streams and long polls may occupy: other requests
#: need some, too.
WATCHERS_SHARE = 3 / 4

#: Requests that the exempt handlers may have in hand beyond the limit.
SPARE = 64


class Load:
    """The figures are of this moment; the limits, this worker's share of settings."""

    def __init__(self, settings: Settings, max_delay: float) -> None:
        self.requests = 0
        self.held = 0
        self.watchers = 0
        self.is_stopping = False
        self.turns = Turns(max_delay)
        self.max_requests = settings.share(settings.max_in_flight)
        self.max_held = settings.share(settings.max_held)
        self.max_connections = settings.share(settings.max_connections)
        #: Seconds until a long poll is answered, with or without a change.
        self.max_poll = float(MAX_POLL)
        self._max_watchers = settings.share(settings.max_watchers)
        #: Seconds for the head of a request, and for a body or a reply beside what its
        #: length grants.
        self.patience = float(settings.client_timeout)

    def hold(self, before: int, size: int, share: float) -> int:
        """What a request that held `before` bytes holds when it holds `size` of them.

        :raises Overloaded: there is no room for more
        """
        counted = size if size > SMALL else 0
        if counted > before:
            self.expect(counted - before, share)
        self.held += counted - before
        return counted

    def expect(self, more: int, share: float = 1) -> None:
        """Is there room for so many bytes? They are not held yet.

        :raises Overloaded:
        """
        limit = int(self.max_held * share)
        if self.held + more > limit:
            raise Overloaded(
                f"Bodies and replies of {self.held} bytes are under way, "
                f"the limit is {limit}"
            )

    @property
    def room(self) -> int:
        """Bytes that could be held."""
        return max(0, self.max_held - self.held)

    @property
    def max_watchers(self) -> int:
        share = max(1, int(self.max_connections * WATCHERS_SHARE))
        return min(self._max_watchers, share)

    def admit(self, spare: int = 0) -> None:
        """Is there a place for a request that has just been counted?

        :raises Overloaded:
        """
        if self.requests > self.max_requests + spare:
            raise Overloaded(f"{self.max_requests} requests are under way, the limit")

    @contextlib.contextmanager
    def waiting(self) -> Iterator[None]:
        """A request waits for something that has a bound of its own."""
        self.requests -= 1
        try:
            yield
        finally:
            self.requests += 1

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """A request waits for changes.

        :raises Overloaded: too many do
        """
        if self.watchers >= self.max_watchers:
            raise Overloaded(
                f"{self.watchers} watchers are connected, the limit "
                f"is {self.max_watchers}"
            )
        self.watchers += 1
        try:
            with self.waiting():
                yield
        finally:
            self.watchers -= 1


def bounded(
    load: Load, reading: Container[tuple[str, str]], exempt: Container[str]
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
            load.admit(SPARE if _is_exempt(request, exempt) else 0)
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
