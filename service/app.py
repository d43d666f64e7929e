"""The application: its routes, middlewares and resources, all on one screen."""

import contextlib
from collections.abc import AsyncIterator

from aiohttp import web

from service import handlers
from service.auth import Tokens, admit
from service.errors import Problem, StartError, UserExists, render
from service.handlers import PASSWORDS, SETTINGS, STORAGE, TOKENS
from service.passwords import PasswordHasher
from service.schemas import check_credentials
from service.settings import Settings
from service.storage import Storage

PUBLIC = [
    web.post("/api/register", handlers.register),
    web.post("/api/login", handlers.login),
    web.get("/livez", handlers.livez),
    web.get("/readyz", handlers.readyz),
]
FOR_CALLERS = [
    web.post("/api/write", handlers.write),
    web.post("/api/read", handlers.read),
]


def create_app(settings: Settings) -> web.Application:
    """:param settings: with an address, a password and a signing secret"""
    tokens = Tokens(settings.jwt_secret, settings.token_ttl)
    public = {route.handler for route in PUBLIC}
    app = web.Application(
        middlewares=[render, admit(tokens, public)],
        client_max_size=settings.max_body,
    )
    app[SETTINGS] = settings
    app[TOKENS] = tokens
    app.add_routes(PUBLIC + FOR_CALLERS)
    app.cleanup_ctx.extend([storage, passwords, administrator])
    return app


async def storage(app: web.Application) -> AsyncIterator[None]:
    settings = app[SETTINGS]
    app[STORAGE] = Storage(
        settings.tarantool_uri, settings.tarantool_user, settings.tarantool_password
    )
    await app[STORAGE].open(settings.startup_timeout)
    yield
    await app[STORAGE].close()


async def passwords(app: web.Application) -> AsyncIterator[None]:
    app[PASSWORDS] = PasswordHasher(app[SETTINGS].bcrypt_rounds)
    await app[PASSWORDS].open()
    yield
    app[PASSWORDS].close()


async def administrator(app: web.Application) -> AsyncIterator[None]:
    """Creates the account of `ADMIN_LOGIN` where it is missing."""
    settings = app[SETTINGS]
    if settings.admin_login:
        try:
            name, password = check_credentials(
                settings.admin_login, settings.admin_password
            )
            password_hash = await app[PASSWORDS].hash(password)
            with contextlib.suppress(UserExists):
                await app[STORAGE].create_user(name, password_hash)
        except Problem as problem:
            raise StartError(f"ADMIN_LOGIN and ADMIN_PASSWORD: {problem}") from None
    yield
