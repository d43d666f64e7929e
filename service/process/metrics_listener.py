"""The listener for scrapes: `/metrics` on a port of its own.

It runs in the first process, in a thread with its own event loop, so that it answers
while the event loops of workers hang, and while Tarantool is down.
"""

import asyncio
import contextlib
import logging
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from functools import partial
from typing import Any

from aiohttp import hdrs, web

from service.errors import InvalidCredentials
from service.process.metrics_channel import new_channel
from service.process.sockets import bind_to, cannot_listen
from service.process.worker_metrics import WorkerMetrics
from service.settings import ANY, Settings
from service.storage.metrics import StorageMetrics
from service.telemetry.exposition import build_info, merged, render
from service.telemetry.families import Family
from service.telemetry.metrics import Metrics
from service.web.admission import Admission
from service.web.headers import request_class
from service.web.hosts import PRIVATE_DOMAINS, AllowedHosts
from service.web.problems import problem_middleware
from service.web.reply_compression import COMPRESSION, Compression, CompressionLimits
from service.web.runner import Runner

log = logging.getLogger(__name__)

PATH = "/metrics"

#: Connections: a few Prometheus servers, and people.
MAX_CONNECTIONS = 32


@contextlib.contextmanager
def listening_for_scrapes(settings: Settings) -> Iterator[socket.socket | None]:
    """The listener's socket; None: no port is configured.

    :raises StartError: the address cannot be listened on
    """
    if not settings.metrics_port:
        yield None
        return
    address = settings.metrics_host, settings.metrics_port
    with bind_to(*address) as listener:
        try:
            listener.listen()
        except OSError as error:
            raise cannot_listen(*address, error) from None
        yield listener


@contextlib.asynccontextmanager
async def serving_metrics(
    settings: Settings, listener: socket.socket | None
) -> AsyncIterator[socket.socket | None]:
    """Serves scrapes; yields the workers' end of the channel, None without a listener.

    :param settings: with the address of Tarantool
    """
    if listener is None:
        yield None
        return
    ours, theirs = new_channel()
    with ours, theirs:
        host, port = listener.getsockname()[:2]  # the thread closes it if it fails
        thread = _Thread(partial(_serve, settings, listener, ours))
        log.info("metrics on %s:%d", host, port)
        try:
            yield theirs
        finally:
            await asyncio.to_thread(thread.stop)


async def _serve(
    settings: Settings,
    listener: socket.socket,
    channel: socket.socket,
    stopping: asyncio.Event,
) -> None:
    """Serves scrapes until the event.

    Closes the listener, after a failure too: scrapes are then refused and do not wait.
    """
    workers = WorkerMetrics(channel, settings.workers)
    storage = StorageMetrics(
        settings.tarantool_uri, settings.tarantool_user, settings.tarantool_password
    )
    runner = _runner(settings, Collection(workers, storage))
    with listener:
        async with workers.receiving():
            await storage.open()
            await runner.setup()
            try:
                await web.SockSite(runner, listener).start()
                await stopping.wait()
            finally:
                await runner.cleanup()
                await storage.close()


def _runner(settings: Settings, collection: "Collection") -> Runner:
    """A server as that of port 5000, with its timeouts and fewer connections."""
    admission = Admission(settings, max_delay=0, health_reserve=0)
    admission.max_connections = MAX_CONNECTIONS
    app = metrics_app(settings.metrics_token, collection.families)
    return Runner(
        app,
        admission=admission,
        metrics=Metrics(),  # of this server: they are not exposed
        request=request_class(app, secure=False),
        hosts=_hosts(settings),
        exempt=(),
        reading=(),
        tracing=None,
        untraced=(),
        keepalive_timeout=settings.keepalive_timeout,
        on_answered=lambda request, response, time: None,
    )


def _hosts(settings: Settings) -> AllowedHosts | None:
    """The names of port 5000, and names that nobody can own in public DNS; None: any.

    The latter also with `KV_ALLOWED_HOSTS` and with TLS: Prometheus reaches this
    listener by a name of the private network.
    """
    names = settings.allowed_hosts
    if ANY in names:
        return None
    return AllowedHosts({*names, *PRIVATE_DOMAINS}, (), single_labels=True)


class MetricsTokenRequired(InvalidCredentials):
    default = "The metrics require a token: Authorization: Bearer <token>"


class Collection:
    """The families of all workers and of Tarantool; one collection at a time."""

    def __init__(self, workers: WorkerMetrics, storage: StorageMetrics) -> None:
        self._workers = workers
        self._storage = storage
        self._pending: asyncio.Task[list[Family]] | None = None

    async def families(self) -> list[Family]:
        """The result of the pending collection, or of a new one."""
        if self._pending is None or self._pending.done():
            self._pending = asyncio.create_task(self._collect())
        return await asyncio.shield(self._pending)

    async def _collect(self) -> list[Family]:
        workers, storage = await asyncio.gather(
            self._workers.collect(), self._storage.collect()
        )
        build = build_info(self._storage.tarantool_version)
        return merged([build, *workers, *storage])


def metrics_app(
    token: str, collect: Callable[[], Coroutine[Any, Any, list[Family]]]
) -> web.Application:
    """The application of the listener.

    :param token: that a scrape has to send; empty: none
    """

    async def metrics(request: web.Request) -> web.Response:
        if token and not _has_token(request, token):
            raise MetricsTokenRequired
        accept = request.headers.get(hdrs.ACCEPT, "")
        text, content_type = render(await collect(), accept)
        response = web.Response(body=text, headers={hdrs.CONTENT_TYPE: content_type})
        response.enable_compression()
        return response

    app = web.Application(middlewares=[problem_middleware])
    app[COMPRESSION] = Compression((), CompressionLimits())  # problems are short
    app.router.add_get(PATH, metrics)
    return app


def _has_token(request: web.Request, token: str) -> bool:
    scheme, _, given = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    is_right = secrets.compare_digest(_bytes(given.strip()), _bytes(token))
    return scheme.lower() == "bearer" and is_right


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogateescape")


class _Thread:
    """A thread with an event loop that runs a coroutine until `stop`.

    :param main: returns soon after the event is set
    """

    def __init__(
        self, main: Callable[[asyncio.Event], Coroutine[Any, Any, None]]
    ) -> None:
        # with a factory, it does not set the event loop of the thread that creates it
        self._runner = asyncio.Runner(loop_factory=asyncio.new_event_loop)
        self._loop = self._runner.get_loop()
        self._main = main
        self._stopping = asyncio.Event()
        # a daemon: it must not keep a process that ends without `stop`
        self._thread = threading.Thread(target=self._run, name="metrics", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        with contextlib.suppress(RuntimeError):  # closed: it has failed
            self._loop.call_soon_threadsafe(self._stopping.set)
        self._thread.join()

    def _run(self) -> None:
        try:
            with self._runner as runner:
                runner.run(self._main(self._stopping))
        except Exception:
            log.exception("the listener for metrics has failed")
