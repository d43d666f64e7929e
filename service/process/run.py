"""The server process: its socket, its signals, its graceful stop."""

import asyncio
import contextlib
import logging
import os
import resource
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import msgspec
from aiohttp import web

from service.api.context import ADMISSION, SETTINGS
from service.api.routes import EXEMPT_PATHS, READING
from service.app import DEFAULT_TUNING, Tuning, create_app
from service.errors import StartError
from service.process.embedded_tarantool import embedded_tarantool
from service.process.workers import Workers
from service.settings import Secret, Settings
from service.web.access_log import AccessLogger
from service.web.cors import Cors
from service.web.headers import request_class
from service.web.hosts import allowed_hosts
from service.web.runner import GRACE, Runner
from service.web.tls import Tls
from service.web.tls_listener import HANDSHAKES, TlsSite

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)

#: Descriptors that are not client connections: logs, Tarantool, the loop, files.
OTHER_DESCRIPTORS = 64

#: Connections that wait to be accepted; the kernel may set a lower limit.
BACKLOG = 1024


async def serve(settings: Settings) -> None:
    """Serves until a stop signal; a second one ends the process at once.

    :raises StartError: the settings, the port or Tarantool cannot be used
    :raises WorkersEnded: with several workers, when their arbiter dies
    """
    _cancel_on_signal()
    _allow_connections()
    tls = tls_of(settings)
    _reload_on_signal(tls)
    with contextlib.suppress(asyncio.CancelledError):
        async with contextlib.AsyncExitStack() as stack:
            listener = stack.enter_context(bind(settings))
            if not settings.tarantool_uri:
                settings = await stack.enter_async_context(embedded_tarantool(settings))
            host, port = listener.getsockname()[:2]
            if settings.workers == 1:
                await stack.enter_async_context(running(settings, listener, tls))
                ended: Coroutine[Any, Any, object] = asyncio.Event().wait()
            else:
                workers = await stack.enter_async_context(
                    running_workers(settings, listener)
                )
                _reload_on_signal(tls, workers.reload)
                ended = workers.ended()
            log.info("serving on %s:%d", host, port)
            await ended
    log.info("stopped")


def bind(settings: Settings, *, shared: bool = False) -> socket.socket:
    """The service's socket, bound but not listening: an occupied port fails early.

    :param shared: other shared sockets may be bound to the same port
    :raises StartError: the address cannot be bound
    """
    where = (settings.host, settings.port)
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind(where)
    except OSError as error:
        listener.close()
        raise _cannot_listen(settings, error) from None
    return listener


@contextlib.asynccontextmanager
async def running(
    settings: Settings,
    listener: socket.socket,
    tls: Tls | None = None,
    tuning: Tuning = DEFAULT_TUNING,
) -> AsyncIterator[Runner]:
    """The application, serving on the listener.

    :raises StartError: Tarantool cannot be used, or the listener cannot listen
    """
    app = create_app(settings, tuning)
    others = OTHER_DESCRIPTORS + tuning.health_reserve
    max_connections = min(
        app[ADMISSION].max_connections, _max_connections(others, tls is not None)
    )
    app[ADMISSION].max_connections = max_connections
    runner = _runner(app, is_secure=tls is not None)
    try:
        await runner.setup()
        try:
            await _site(runner, listener, tls).start()
        except OSError as error:
            raise _cannot_listen(settings, error) from None
        yield runner
    finally:
        await runner.cleanup()


def _runner(app: web.Application, *, is_secure: bool) -> Runner:
    settings = app[SETTINGS]
    cors = Cors(settings.cors_origins) if settings.cors_origins else None
    return Runner(
        app,
        admission=app[ADMISSION],
        request=request_class(secure=is_secure, cors=cors),
        hosts=allowed_hosts(settings, EXEMPT_PATHS),
        exempt=EXEMPT_PATHS,
        reading=READING,
        keepalive_timeout=settings.keepalive_timeout,
        access_log_class=AccessLogger,
        access_log=logging.getLogger("service.access") if settings.access_log else None,
    )


def _site(runner: Runner, listener: socket.socket, tls: Tls | None) -> web.BaseSite:
    if tls is None:
        return web.SockSite(runner, listener, backlog=BACKLOG)
    max_connections = runner.app[ADMISSION].max_connections
    return TlsSite(
        runner,
        listener,
        backlog=BACKLOG,
        context=tls.context,
        max_handshakes=int(max_connections * HANDSHAKES),
        shutdown_timeout=runner.app[SETTINGS].client_timeout,
    )


@contextlib.asynccontextmanager
async def running_workers(
    settings: Settings, listener: socket.socket
) -> AsyncIterator[Workers]:
    """Workers, serving on the listener's address.

    :raises StartError: a worker cannot start
    """
    # an error that would end the start of each worker is reported once, and the
    # administrator's account is created once
    dry_run = web.AppRunner(create_app(settings))
    try:
        await dry_run.setup()
    finally:
        await dry_run.cleanup()
    workers = Workers(
        msgspec.structs.replace(settings, admin_login="", admin_password=Secret()),
        _listeners(settings, listener),
    )
    try:
        await workers.start()
        yield workers
    finally:
        await workers.stop()


def _listeners(settings: Settings, probe: socket.socket) -> list[socket.socket]:
    """A listener for each worker: the kernel distributes connections among them.

    :param probe: detects another service on the port, whose sockets may be shared too
    :raises StartError: the address cannot be listened on
    """
    try:
        probe.listen()
        probe.close()
        listeners = [bind(settings, shared=True) for _ in range(settings.workers)]
        for listener in listeners:
            listener.listen(BACKLOG)
    except OSError as error:
        raise _cannot_listen(settings, error) from None
    return listeners


def tls_of(settings: Settings) -> Tls | None:
    """The certificate and its key, if they are configured.

    :raises StartError: the certificate or its key cannot be used
    """
    if settings.tls_cert is None or settings.tls_key is None:
        return None
    return Tls(settings.tls_cert, settings.tls_key)


def _cancel_on_signal() -> None:
    loop = asyncio.get_running_loop()
    serving = asyncio.current_task()

    def stop() -> None:
        log.info("stopping: requests in flight get %g s", GRACE)
        for number in STOP_SIGNALS:
            loop.add_signal_handler(number, os._exit, 128 + number)
        if serving is not None:
            serving.cancel()

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, stop)


def _reload_on_signal(
    tls: Tls | None, on_reload: Callable[[], None] | None = None
) -> None:
    """Handles SIGHUP. Without TLS too, where its default would end the process.

    :param on_reload: called next, unless the new certificate is bad
    """

    def reload() -> None:
        if tls is None and on_reload is None:
            log.info("nothing to reload: there is no certificate")
        elif (tls is None or tls.reload()) and on_reload is not None:
            on_reload()

    asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reload)


def _allow_connections() -> None:
    """Raises the limit of descriptors to the maximum: each watcher has a connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def _max_connections(others: int, has_handshakes: bool) -> int:
    """The connections that the limit of descriptors allows; at least one.

    :param others: descriptors that are not counted connections
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    share = 1 + HANDSHAKES if has_handshakes else 1
    return max(1, int((soft - others) / share))


def _cannot_listen(settings: Settings, error: OSError) -> StartError:
    # not os.strerror: the numbers of failed name look-ups are not errno values
    reason = error.strerror or str(error)
    return StartError(f"cannot listen on {settings.host}:{settings.port}: {reason}")
