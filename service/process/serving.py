"""The application on a listener: all that one process serves."""

import contextlib
import socket
from collections.abc import AsyncIterator
from functools import partial

from aiohttp import web

from service.api.context import ADMISSION, METRICS, REQUEST_METRICS, SETTINGS
from service.api.routes import EXEMPT_PATHS, READING
from service.app import DEFAULT_TUNING, Tuning, create_app
from service.auth.client_address import exact_address
from service.auth.tokens import name_of_caller
from service.process.resource_limits import max_connections
from service.process.sockets import BACKLOG, cannot_listen
from service.settings import Settings
from service.telemetry.log import Log
from service.web.access_lines import AccessLines
from service.web.access_log import access_log_class
from service.web.cors import Cors
from service.web.headers import request_class
from service.web.hosts import allowed_hosts
from service.web.runner import Runner
from service.web.tls import Tls
from service.web.tls_listener import HANDSHAKES, TlsSite


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    listener: socket.socket,
    tls: Tls | None = None,
    tuning: Tuning = DEFAULT_TUNING,
    logs: Log | None = None,
) -> AsyncIterator[Runner]:
    """The application, serving on the listener.

    :param logs: of this process; None: one of its own
    :raises StartError: Tarantool cannot be used, or the listener cannot listen
    """
    app = create_app(settings, tuning)
    app[ADMISSION].max_connections = min(
        app[ADMISSION].max_connections,
        max_connections(tuning.health_reserve, has_handshakes=tls is not None),
    )
    runner = _runner(app, logs or Log(settings), is_secure=tls is not None)
    try:
        await runner.setup()
        try:
            await _site(runner, listener, tls).start()
        except OSError as error:
            raise cannot_listen(settings, error) from None
        yield runner
    finally:
        await runner.cleanup()


def _runner(app: web.Application, logs: Log, *, is_secure: bool) -> Runner:
    settings = app[SETTINGS]
    lines = AccessLines(
        logs,
        partial(exact_address, trusted=settings.trusted_proxies),
        name_of_caller,
    )
    cors = Cors(settings.cors_origins) if settings.cors_origins else None
    return Runner(
        app,
        admission=app[ADMISSION],
        request=request_class(secure=is_secure, cors=cors),
        hosts=allowed_hosts(settings, EXEMPT_PATHS),
        exempt=EXEMPT_PATHS,
        reading=READING,
        keepalive_timeout=settings.keepalive_timeout,
        metrics=app[METRICS],
        access_log_class=access_log_class(
            app[REQUEST_METRICS],
            None if settings.access_log == "off" else lines.write,
        ),
    )


def _site(runner: Runner, listener: socket.socket, tls: Tls | None) -> web.BaseSite:
    if tls is None:
        return web.SockSite(runner, listener, backlog=BACKLOG)
    return TlsSite(
        runner,
        listener,
        backlog=BACKLOG,
        context=tls.context,
        max_handshakes=int(runner.app[ADMISSION].max_connections * HANDSHAKES),
        shutdown_timeout=runner.app[SETTINGS].client_timeout,
        closed=runner.app[METRICS].connections_closed,
    )
