"""Accounts: sign up, log in."""

import msgspec
from aiohttp import web

from service import parsing
from service.errors import InvalidCredentials, RegistrationClosed
from service.handlers.messages import (
    PASSWORDS,
    SETTINGS,
    STORAGE,
    TOKENS,
    body_of,
    json_reply,
)
from service.model import Caller


async def register(request: web.Request) -> web.Response:
    if request.app[SETTINGS].registration == "closed":
        raise RegistrationClosed()
    username, password = parsing.parse_credentials(await body_of(request))
    password_hash = await request.app[PASSWORDS].hash(password)
    await request.app[STORAGE].create_user(username, password_hash)
    return json_reply(b'{"status":"User created successfully"}')


async def login(request: web.Request) -> web.Response:
    username, password = parsing.parse_credentials(await body_of(request))
    user = await request.app[STORAGE].find_user(username)
    known_hash = user.password_hash if user else None
    if not await request.app[PASSWORDS].verify(password, known_hash) or user is None:
        raise InvalidCredentials()
    token = request.app[TOKENS].issue(Caller(username, user.credentials_version))
    return json_reply(msgspec.json.encode({"token": token}))
