"""aiohttp's AppRunner, with this package's server and connections."""

import asyncio
import contextlib
from collections.abc import Collection, Container
from functools import partial
from typing import Any

from aiohttp import web

from service.telemetry.metrics import Metrics
from service.telemetry.tracing import Tracing
from service.web.admission import Admission
from service.web.connection import OnAnswered
from service.web.dispatch import Dispatcher
from service.web.framing import MAX_HEAD, MAX_HEADERS, MAX_LINE
from service.web.hosts import AllowedHosts
from service.web.server import HttpServer
from service.web.tracing import TracedDispatcher

#: Seconds that requests in flight get to finish.
GRACE = 10.0


class Runner(web.AppRunner):
    """The runner of the application; every error is answered with a problem."""

    def __init__(
        self,
        app: web.Application,
        *,
        admission: Admission,
        metrics: Metrics,
        request: type[web.Request],
        hosts: AllowedHosts | None,
        exempt: Collection[str],
        reading: Container[tuple[str, str]],
        on_answered: OnAnswered,
        tracing: Tracing | None,
        untraced: Collection[str],
        **kwargs: Any,
    ) -> None:
        super().__init__(
            app,
            max_line_size=MAX_LINE,
            # its own count of MAX_FIELD depends on where segments end
            max_field_size=MAX_HEAD,
            max_headers=MAX_HEADERS,
            auto_decompress=False,
            access_log=None,
            shutdown_timeout=GRACE,
            **kwargs,
        )
        self._admission = admission
        self._metrics = metrics
        self._request = request
        self._hosts = hosts
        self._exempt = exempt
        self._reading = reading
        self._on_answered = on_answered
        self._tracing = tracing
        self._untraced = untraced
        self._http_server: HttpServer | None = None
        self._checks: asyncio.Task[None] | None = None

    async def _make_server(self) -> web.Server:
        """Creates this package's server: there is no parameter for its class.

        Relies on itself, on `_loop` and `_kwargs` of a server, and on `_make_request()`
        of an application.
        """
        server = await super()._make_server()
        self._http_server = http_server = HttpServer(
            self._handler(),
            request_factory=partial(self.app._make_request, _cls=self._request),
            loop=server._loop,
            admission=self._admission,
            on_answered=self._on_answered,
            closed=self._metrics.connections_closed,
            exempt=self._exempt,
            reading=self._reading,
            **server._kwargs,
        )
        self._metrics.add_source(http_server.collect)
        self._checks = asyncio.create_task(http_server.check_connections())
        return http_server

    def _handler(self) -> Dispatcher | TracedDispatcher:
        dispatcher = Dispatcher(self.app, self._hosts)
        if self._tracing is None:
            return dispatcher
        return TracedDispatcher(dispatcher, self._tracing, self._untraced)

    async def drain(self) -> None:
        """Answers pending requests, and accepts no more connections."""
        for site in self.sites:
            await site.stop()
        if self._http_server is not None:
            await self._http_server.drain()

    async def cleanup(self) -> None:
        await super().cleanup()
        if self._checks is not None:
            self._checks.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._checks
