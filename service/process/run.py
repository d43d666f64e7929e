"""The server process: its start, what it waits for, its graceful stop."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import AsyncIterator, Coroutine
from typing import Any

import msgspec
from aiohttp import web

from service.api.context import ADMINISTRATOR, METRICS
from service.app import create_app
from service.process.embedded_tarantool import embedded_tarantool
from service.process.metrics_channel import START, answering, send_starting
from service.process.metrics_listener import listening_for_scrapes, serving_metrics
from service.process.resource_limits import raise_descriptor_limit
from service.process.serving import running
from service.process.signals import cancel_on_signal, reload_on_signal
from service.process.sockets import bind, worker_listeners
from service.process.workers import Workers
from service.settings import Secret, Settings
from service.telemetry.log import Log
from service.web.tls import tls_of

log = logging.getLogger(__name__)


async def serve(settings: Settings, logs: Log) -> None:
    """Serves until a stop signal; a second one ends the process at once.

    :raises StartError: the settings, the port or Tarantool cannot be used
    :raises WorkersEnded: with several workers, when their arbiter dies
    """
    cancel_on_signal()
    raise_descriptor_limit()
    tls = tls_of(settings)
    reload_on_signal(logs.reopen, tls)
    with contextlib.suppress(asyncio.CancelledError):
        async with contextlib.AsyncExitStack() as stack:
            listener = stack.enter_context(bind(settings))
            scrapes = stack.enter_context(listening_for_scrapes(settings))
            if not settings.tarantool_uri:
                settings = await stack.enter_async_context(embedded_tarantool(settings))
            channel = await stack.enter_async_context(
                serving_metrics(settings, scrapes)
            )
            host, port = listener.getsockname()[:2]
            if settings.workers == 1:
                await asyncio.to_thread(send_starting, channel, START)
                runner = await stack.enter_async_context(
                    running(settings, listener, logs, tls)
                )
                await stack.enter_async_context(
                    answering(channel, 0, runner.app[METRICS])
                )
                stack.push_async_callback(runner.drain)
                ended: Coroutine[Any, Any, object] = asyncio.Event().wait()
            else:
                workers = await stack.enter_async_context(
                    running_workers(settings, listener, channel)
                )

                def reopen() -> None:
                    logs.reopen()
                    workers.reopen_log()

                reload_on_signal(reopen, tls, workers.reload)
                reopen()  # the file may have been moved in the meantime
                ended = workers.ended()
            log.info("serving on %s:%d", host, port)
            await ended
    log.info("stopped")


@contextlib.asynccontextmanager
async def running_workers(
    settings: Settings, listener: socket.socket, channel: socket.socket | None
) -> AsyncIterator[Workers]:
    """Workers, serving on the listener's address.

    :param channel: of their metrics
    :raises StartError: a worker cannot start
    """
    # an error that would end the start of each worker is reported once, and the
    # administrator's account is created once, if the storage is available
    app = create_app(settings)
    dry_run = web.AppRunner(app)
    try:
        await dry_run.setup()
        if not app[ADMINISTRATOR].is_missing:
            settings = msgspec.structs.replace(
                settings, admin_login="", admin_password=Secret()
            )
    finally:
        await dry_run.cleanup()
    workers = Workers(settings, worker_listeners(settings, listener), channel)
    try:
        await workers.start()
        yield workers
    finally:
        await workers.stop()
