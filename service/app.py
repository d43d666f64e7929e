"""The application: its routes, middlewares and resources, all on one screen."""

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from service.api import accounts, batches, changes, docs, health, keys, tickets
from service.api.context import (
    ADMISSION,
    FEED,
    LOGINS,
    PASSWORDS,
    SETTINGS,
    STORAGE,
    TICKETS,
    TOKENS,
)
from service.api.docs import OPENAPI
from service.api.openapi import document
from service.api.options import add_options, options
from service.auth.credentials import check_credentials, check_new_username
from service.auth.logins import Logins
from service.auth.passwords import PasswordHasher
from service.auth.tickets import Tickets
from service.auth.tokens import Tokens, admitted
from service.errors import Problem, StartError, UserExists
from service.settings import Settings
from service.storage.client import Storage
from service.storage.feed import Feed
from service.storage.instances import CALL_TIMEOUT
from service.web.admission import Admission, bounded
from service.web.compression import AVAILABLE, COMPRESSION, Compression
from service.web.problems import render
from service.web.reservation import reserving

PAGES = [
    web.get("/", docs.root),
    web.get("/favicon.ico", docs.icon),
    web.get("/openapi.json", docs.openapi),
    web.get("/docs", docs.page),
    web.get("/docs/{name}", docs.file),
]
PUBLIC = [
    web.post("/api/register", accounts.register),
    web.post("/api/login", accounts.login),
    web.get("/livez", health.livez),
    web.get("/readyz", health.readyz),
]
FOR_CALLERS = [
    web.post("/api/write", batches.write),
    web.post("/api/read", batches.read),
    web.post("/api/delete", batches.delete),
    web.post("/api/list", batches.list_keys),
    web.post("/api/increment", batches.increment),
    web.get(keys.ROUTE, keys.get),
    web.put(keys.ROUTE, keys.put),
    web.delete(keys.ROUTE, keys.delete),
    web.get("/api/changes", changes.changes, allow_head=False),
    web.post("/api/tickets", tickets.create),
    web.post("/api/refresh", accounts.refresh),
    web.post("/api/logout", accounts.logout),
    web.post("/api/password", accounts.change_password),
    web.get("/api/me", accounts.show),
    web.delete("/api/me", accounts.delete),
]

#: What writes nothing, though it is a POST.
READING = {
    accounts.login,
    accounts.refresh,
    batches.read,
    batches.list_keys,
    tickets.create,
}

HEALTH = {health.livez, health.readyz}
HEALTH_PATHS = {route.path for route in PUBLIC if route.handler in HEALTH}

#: What is answered when the service is busy, too: probes and preflights.
EXEMPT = {*HEALTH, options}

#: Bodies of the largest size that may wait in the feed for slow watchers.
KEPT_BODIES = 4


def create_app(settings: Settings) -> web.Application:
    """:param settings: with an address, a password and a signing secret"""
    tokens = Tokens(
        settings.jwt_secret, settings.token_ttl, settings.jwt_secret_previous
    )
    admission = Admission(settings, CALL_TIMEOUT)
    app = web.Application(
        middlewares=[reserving(admission), render, bounded(admission, READING, EXEMPT)],
        client_max_size=settings.max_body,
    )
    app[SETTINGS] = settings
    app[ADMISSION] = admission
    app[TOKENS] = tokens
    app[TICKETS] = Tickets(settings.jwt_secret, settings.jwt_secret_previous)
    app[OPENAPI] = document.document(PUBLIC, FOR_CALLERS, settings)
    app.add_routes(PAGES + PUBLIC)
    app.add_routes(_for_callers(route, tokens) for route in FOR_CALLERS)
    add_options(app)
    app.on_shutdown.append(end_feed)
    app.cleanup_ctx.extend([compression, storage, feed, passwords, administrator])
    return app


def _for_callers(route: web.RouteDef, tokens: Tokens) -> web.RouteDef:
    admission = changes.admission if route.handler is changes.changes else tokens.admit
    handler = admitted(admission, route.handler)
    return web.RouteDef(route.method, route.path, handler, route.kwargs)


async def compression(app: web.Application) -> AsyncIterator[None]:
    is_on = app[SETTINGS].compression == "on"
    app[COMPRESSION] = Compression(AVAILABLE if is_on else ())
    yield
    app[COMPRESSION].close()


async def storage(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    app[STORAGE] = Storage(
        settings.tarantool_uri, settings.tarantool_user, settings.tarantool_password
    )
    await app[STORAGE].open(settings.startup_timeout)
    yield
    await app[STORAGE].close()


async def feed(app: web.Application) -> AsyncIterator[None]:
    app[FEED] = Feed(app[STORAGE], KEPT_BODIES * app[SETTINGS].max_body)
    yield
    await app[FEED].close()


async def end_feed(app: web.Application) -> None:
    app[FEED].end()


async def passwords(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    app[PASSWORDS] = PasswordHasher(settings.bcrypt_rounds, settings.workers)
    app[LOGINS] = Logins(app[STORAGE], app[PASSWORDS])
    yield
    app[PASSWORDS].close()


async def _create_administrator(app: web.Application, name: str, password: str) -> None:
    check_new_username(name)
    with app[PASSWORDS].place() as place:
        password_hash = await app[PASSWORDS].hash(password, place)
    with contextlib.suppress(UserExists):  # another service started at the same time
        await app[STORAGE].create_user(name, password_hash, everything=True)


async def administrator(app: web.Application) -> AsyncIterator[None]:
    """Creates the account of `ADMIN_LOGIN` where it is missing."""
    settings = app[SETTINGS]
    if settings.admin_login:
        try:
            name, password = check_credentials(
                settings.admin_login, settings.admin_password
            )
            if not await app[STORAGE].has_user(name):
                await _create_administrator(app, name, password)
        except Problem as problem:
            raise StartError(f"ADMIN_LOGIN and ADMIN_PASSWORD: {problem}") from None
    yield
