"""The application on a listener: all that one process serves."""

import contextlib
import os
import socket
from collections.abc import AsyncIterator, Callable
from functools import partial

from aiohttp import web

from service.api.context import (
    ADMISSION,
    AUDIT_LINES,
    METRICS,
    REQUEST_METRICS,
    SETTINGS,
)
from service.api.routes import ACTIONS, EXEMPT_PATHS, READING, UNTIMED_PATHS
from service.app import DEFAULT_TUNING, Tuning, create_app
from service.auth.client_address import exact_address
from service.auth.tokens import name_of_caller
from service.process.resource_limits import max_connections
from service.process.sockets import BACKLOG, cannot_listen
from service.settings import Settings
from service.telemetry.event_loop import EventLoopMonitor
from service.telemetry.families import Family, gauge
from service.telemetry.log import Log
from service.telemetry.tracing import Tracing, tracing_of
from service.web.access_lines import FIRST_STATUS, AccessLines
from service.web.audit_lines import AuditLines
from service.web.connection import OnAnswered
from service.web.cors import Cors
from service.web.dispatch import request_of
from service.web.headers import HeadedRequest, request_class
from service.web.hosts import allowed_hosts
from service.web.runner import Runner
from service.web.tls import Tls
from service.web.tls_listener import HANDSHAKES, TlsSite


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    listener: socket.socket,
    logs: Log,
    tls: Tls | None = None,
    tuning: Tuning = DEFAULT_TUNING,
) -> AsyncIterator[Runner]:
    """The application, serving on the listener.

    :param logs: of this process
    :raises StartError: Tarantool cannot be used, or the listener cannot listen
    """
    async with _tracing() as tracing:
        app = create_app(settings, tuning, tracing)
        app[ADMISSION].max_connections = min(
            app[ADMISSION].max_connections,
            max_connections(tuning.health_reserve, has_handshakes=tls is not None),
        )
        if tls is not None:
            app[METRICS].add_source(partial(_certificate_families, tls))
        runner = _runner(app, logs, tracing, is_secure=tls is not None)
        try:
            await runner.setup()
            try:
                await _site(runner, listener, tls).start()
            except OSError as error:
                raise cannot_listen(settings.host, settings.port, error) from None
            monitor = EventLoopMonitor(
                app[METRICS].event_loop_lag, request_of, tuning.monitor_interval
            )
            with monitor.running():
                yield runner
        finally:
            await runner.cleanup()


@contextlib.asynccontextmanager
async def _tracing() -> AsyncIterator[Tracing | None]:
    """The traces of this process; None: they are not enabled."""
    tracing = tracing_of(os.environ)
    try:
        yield tracing
    finally:
        if tracing is not None:
            await tracing.close()


def _certificate_families(tls: Tls) -> list[Family]:
    if tls.expires_at is None:
        return []
    name = "kv_tls_certificate_expiry_timestamp_seconds"
    return [gauge(name, "When the certificate expires.", tls.expires_at)]


def _runner(
    app: web.Application, logs: Log, tracing: Tracing | None, *, is_secure: bool
) -> Runner:
    settings = app[SETTINGS]
    cors = Cors(settings.cors_origins) if settings.cors_origins else None
    return Runner(
        app,
        admission=app[ADMISSION],
        request=request_class(app, secure=is_secure, cors=cors),
        hosts=allowed_hosts(settings, EXEMPT_PATHS),
        exempt=EXEMPT_PATHS,
        reading=READING,
        tracing=tracing,
        untraced=UNTIMED_PATHS,
        keepalive_timeout=settings.keepalive_timeout,
        metrics=app[METRICS],
        on_answered=_on_answered(app, logs),
    )


def _on_answered(app: web.Application, logs: Log) -> OnAnswered:
    """What counts a request that has ended and, if configured, logs and audits it."""
    count = app[REQUEST_METRICS].count
    write, audit = _write_line(app[SETTINGS], logs), _audit(app, logs)
    if write is None and audit is None:
        return count

    def count_and_write(
        request: HeadedRequest, response: web.StreamResponse, time: float | None
    ) -> None:
        seconds = count(request, response, time)
        if audit is not None:
            audit(request, response)
        if write is not None:
            write(request, response, seconds)

    return count_and_write


def _write_line(
    settings: Settings, logs: Log
) -> Callable[[web.BaseRequest, web.StreamResponse, float], None] | None:
    first_status = FIRST_STATUS.get(settings.access_log)
    if first_status is None:
        return None
    address_of = partial(exact_address, trusted=settings.trusted_proxies)
    return AccessLines(logs, first_status, address_of, name_of_caller).write


def _audit(
    app: web.Application, logs: Log
) -> Callable[[web.BaseRequest, web.StreamResponse], None] | None:
    if logs.audit is None:
        return None
    trusted = app[SETTINGS].trusted_proxies
    app[AUDIT_LINES] = lines = AuditLines(
        logs.audit,
        ACTIONS,
        app.router.routes(),
        partial(exact_address, trusted=trusted),
        name_of_caller,
    )
    return lines.write


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
