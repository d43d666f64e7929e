"""Accounts: sign up, log in, and the life of an account and of its tokens."""

from functools import partial

import msgspec
from aiohttp import web

from service.api import parsing
from service.api.bodies import body_alone
from service.api.context import (
    ADMISSION,
    LOGINS,
    PASSWORDS,
    SETTINGS,
    STORAGE,
    SUCCESS,
    TOKENS,
)
from service.auth.client_address import client_address
from service.auth.fair_queue import Client
from service.auth.logins import Attempt
from service.auth.tokens import CALLER
from service.errors import RegistrationClosed
from service.model import Caller, User
from service.web.connection import has_left
from service.web.responses import json_reply


async def register(request: web.Request) -> web.Response:
    if request.app[SETTINGS].registration == "closed":
        raise RegistrationClosed()
    username, password = parsing.parse_new_credentials(await body_alone(request))
    client = _client(request)
    with request.app[PASSWORDS].place(client) as place:
        await request.app[STORAGE].begin_sign_up(client.address)
        password_hash = await request.app[PASSWORDS].hash(password, place)
    await request.app[STORAGE].create_user(username, password_hash)
    return json_reply(b'{"status":"User created successfully"}')


async def login(request: web.Request) -> web.Response:
    username, password = parsing.parse_credentials(await body_alone(request))
    user = await _authenticated(request, username, password)
    return _token(request, Caller(username, user.credentials_version))


async def refresh(request: web.Request) -> web.Response:
    parsing.parse_nothing(await body_alone(request))
    await request.app[STORAGE].account(request[CALLER])
    return _token(request, request[CALLER])


async def logout(request: web.Request) -> web.Response:
    parsing.parse_nothing(await body_alone(request))
    await request.app[STORAGE].end_tokens(request[CALLER])
    return json_reply(SUCCESS)


async def change_password(request: web.Request) -> web.Response:
    caller = request[CALLER]
    old, new = parsing.parse_password_change(await body_alone(request))
    await _confirmed(request, old)
    with request.app[PASSWORDS].place(_client(request)) as place:
        password_hash = await request.app[PASSWORDS].hash(new, place)
    return _token(
        request, await request.app[STORAGE].set_password(caller, password_hash)
    )


async def show(request: web.Request) -> web.Response:
    parsing.refuse_query(request.rel_url.raw_query_string)
    caller = request[CALLER]
    created_at, grants = await request.app[STORAGE].account(caller)
    shown = {"username": caller.username, "created_at": created_at, "grants": grants}
    return json_reply(msgspec.json.encode(shown))


async def delete(request: web.Request) -> web.Response:
    await _confirmed(request, parsing.parse_password(await body_alone(request)))
    await request.app[STORAGE].delete_user(request[CALLER])
    return json_reply(SUCCESS)


async def _confirmed(request: web.Request, password: str) -> None:
    """That the caller knows the account's password, too.

    :raises TokenRevoked, InvalidCredentials:
    """
    caller = request[CALLER]
    await request.app[STORAGE].account(caller)
    await _authenticated(request, caller.username, password)


async def _authenticated(request: web.Request, username: str, password: str) -> User:
    """:raises InvalidCredentials: of an unknown name as of a wrong password
    :raises TooManyAttempts, Overloaded:
    """
    client = _client(request)
    attempt = Attempt(username, password, client.address)
    with request.app[ADMISSION].waiting():
        return await request.app[LOGINS].check(attempt, client.has_left)


def _client(request: web.Request) -> Client:
    address = client_address(request, request.app[SETTINGS].trusted_proxies)
    return Client(address, partial(has_left, request))


def _token(request: web.Request, caller: Caller) -> web.Response:
    token = request.app[TOKENS].issue(caller)
    return json_reply(msgspec.json.encode({"token": token}))
