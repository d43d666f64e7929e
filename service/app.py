"""The application: its routes, middlewares and resources."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
from aiohttp import web

from service.api.body_streams import BODY_STREAMS, BodyStreams
from service.api.changes import STREAM_TIMING, StreamTiming
from service.api.context import (
    ADMINISTRATOR,
    ADMISSION,
    FEED,
    LOGINS,
    METRICS,
    OPENAPI,
    PASSWORDS,
    REQUEST_METRICS,
    SETTINGS,
    STOPPING,
    STORAGE,
    TICKETS,
    TOKENS,
    TRACING,
)
from service.api.export import PAGE, PAGE_SIZE
from service.api.openapi.document import document
from service.api.options import add_options
from service.api.routes import EXEMPT_PATHS, READING, ROUTES, UNTIMED_PATHS
from service.auth.administrator import Administrator
from service.auth.logins import Logins
from service.auth.passwords import MAX_WAITING, PasswordHasher
from service.auth.tickets import Tickets
from service.auth.tokens import Tokens
from service.settings import Settings
from service.storage.client import Storage
from service.storage.connection import CALL_TIMEOUT
from service.storage.feed import Feed
from service.telemetry.event_loop import INTERVAL as MONITOR_INTERVAL
from service.telemetry.metrics import Metrics
from service.telemetry.tracing import Tracing
from service.web.admission import HEALTH_RESERVE, Admission, admission_middleware
from service.web.problems import problem_middleware
from service.web.reply_compression import (
    AVAILABLE,
    COMPRESSION,
    Compression,
    CompressionLimits,
)
from service.web.request_metrics import RequestMetrics
from service.web.reservation import reservation_middleware

#: Bodies of the largest size that the feed buffers for slow watchers.
MAX_BUFFERED_BODIES = 4


class Tuning(msgspec.Struct, frozen=True, kw_only=True):
    """Limits that are not settings: only tests and benchmarks change them."""

    stream: StreamTiming = StreamTiming()
    compression: CompressionLimits = CompressionLimits()

    #: Bytes of a page of an export.
    export_page: int = PAGE

    #: Connections beyond the limit, for health checks.
    health_reserve: int = HEALTH_RESERVE

    #: Seconds that a large body or reply waits for its slot.
    max_delay: float = CALL_TIMEOUT

    #: Entries of the queue for password hashing, of all workers together.
    max_waiting: int = MAX_WAITING

    #: Seconds between two checks of the event loop.
    monitor_interval: float = MONITOR_INTERVAL


DEFAULT_TUNING = Tuning()
TUNING = web.AppKey("tuning", Tuning)


def create_app(
    settings: Settings, tuning: Tuning = DEFAULT_TUNING, tracing: Tracing | None = None
) -> web.Application:
    """The application, not started yet.

    :param settings: with an address, a password and a signing secret
    """
    admission = Admission(settings, tuning.max_delay, tuning.health_reserve)
    app = web.Application(
        middlewares=[
            reservation_middleware(admission),
            problem_middleware,
            admission_middleware(admission, READING, EXEMPT_PATHS),
        ],
        client_max_size=settings.max_body,
    )
    app[SETTINGS] = settings
    app[TUNING] = tuning
    app[STREAM_TIMING] = tuning.stream
    app[PAGE_SIZE] = tuning.export_page
    app[METRICS] = Metrics()
    if tracing is not None:
        app[TRACING] = tracing
    app[ADMISSION] = admission
    app[BODY_STREAMS] = BodyStreams()
    app[STOPPING] = asyncio.Event()
    app[TOKENS] = Tokens(
        settings.jwt_secret, settings.token_ttl, settings.jwt_secret_previous
    )
    app[TICKETS] = Tickets(settings.jwt_secret, settings.jwt_secret_previous)
    app[OPENAPI] = document(ROUTES, settings)
    app.add_routes([route.definition() for route in ROUTES])
    add_options(app)
    app[REQUEST_METRICS] = RequestMetrics(
        app.router.routes(), UNTIMED_PATHS, app[METRICS].http_errors
    )
    app[METRICS].add_source(app[REQUEST_METRICS].collect)
    app[METRICS].add_source(admission.collect)
    app.on_shutdown.append(end_streams)
    app.cleanup_ctx.extend([compression, storage, feed, passwords, administrator])
    return app


async def compression(app: web.Application) -> AsyncIterator[None]:
    is_on = app[SETTINGS].compression == "on"
    app[COMPRESSION] = Compression(AVAILABLE if is_on else (), app[TUNING].compression)
    yield
    app[COMPRESSION].close()


async def storage(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    app[STORAGE] = Storage(
        settings.tarantool_uri,
        settings.tarantool_user,
        settings.tarantool_password,
        settings.failover_wait,
        settings.stale_limit,
        app[METRICS],
        app.get(TRACING),
    )
    await app[STORAGE].open(settings.startup_timeout)
    yield
    await app[STORAGE].close()


async def feed(app: web.Application) -> AsyncIterator[None]:
    app[FEED] = Feed(app[STORAGE], MAX_BUFFERED_BODIES * app[SETTINGS].max_body)
    yield
    await app[FEED].close()


async def end_streams(app: web.Application) -> None:
    """Ends the streams, which would otherwise outlast the shutdown."""
    app[STOPPING].set()
    app[FEED].end()
    app[BODY_STREAMS].stop()


async def passwords(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    app[PASSWORDS] = PasswordHasher(
        settings.bcrypt_rounds,
        app[METRICS].password_checks.child(),
        settings.workers,
        app[TUNING].max_waiting,
    )
    app[LOGINS] = Logins(app[STORAGE], app[PASSWORDS], app[METRICS])
    yield
    app[PASSWORDS].close()


async def administrator(app: web.Application) -> AsyncIterator[None]:
    app[ADMINISTRATOR] = Administrator(app[SETTINGS], app[STORAGE], app[PASSWORDS])
    await app[ADMINISTRATOR].open()
    yield
    await app[ADMINISTRATOR].close()
