"""What serves the application: aiohttp's runner, with connections of our own."""

import asyncio
import contextlib
from collections.abc import Collection, Container
from functools import partial
from typing import Any

from aiohttp import web

from service.web.admission import Load
from service.web.connection import MAX_HEAD, MAX_HEADERS, MAX_LINE
from service.web.dispatch import Dispatcher
from service.web.hosts import AllowedHosts
from service.web.server import ProblemServer

#: Seconds that requests under way get to finish.
GRACE = 10.0


class Runner(web.AppRunner):
    """An AppRunner whose connections answer every error as a problem."""

    def __init__(
        self,
        app: web.Application,
        load: Load,
        request: type[web.Request],
        hosts: AllowedHosts | None,
        health_paths: Collection[str],
        reading: Container[tuple[str, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(
            app,
            max_line_size=MAX_LINE,
            # its own count of MAX_FIELD depends on where segments end
            max_field_size=MAX_HEAD,
            max_headers=MAX_HEADERS,
            auto_decompress=False,
            shutdown_timeout=GRACE,
            **kwargs,
        )
        self._load = load
        self._request = request
        self._hosts = hosts
        self._health_paths = health_paths
        self._reading = reading
        self._mended: ProblemServer | None = None
        self._looking: asyncio.Task[None] | None = None

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        self._mended = mended = ProblemServer(
            Dispatcher(self.app, self._hosts),
            request_factory=partial(self.app._make_request, _cls=self._request),
            loop=server._loop,
            load=self._load,
            health_paths=self._health_paths,
            reading=self._reading,
            **server._kwargs,
        )
        self._looking = asyncio.create_task(mended.look_after_connections())
        return mended

    async def drain(self) -> None:
        """Ends what has begun, where others take what comes next."""
        for site in self.sites:
            await site.stop()
        if self._mended is not None:
            await self._mended.drain()

    async def cleanup(self) -> None:
        await super().cleanup()
        if self._looking is not None:
            self._looking.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._looking
