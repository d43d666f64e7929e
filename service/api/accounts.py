"""Accounts: sign-up, login, tokens, password change, deletion."""

from functools import partial

import msgspec
from aiohttp import web

from service.api.audit import noting_login, noting_sign_up
from service.api.bodies import read_body
from service.api.context import (
    ADMINISTRATOR,
    ADMISSION,
    LOGINS,
    PASSWORDS,
    SETTINGS,
    STORAGE,
    TOKENS,
)
from service.api.parsing.account_bodies import (
    parse_credentials,
    parse_new_credentials,
    parse_nothing,
    parse_password,
    parse_password_change,
)
from service.api.parsing.queries import refuse_query
from service.api.schemas.replies import SUCCESS, Account, Status, Token
from service.auth.client_address import client_address
from service.auth.fair_queue import Client
from service.auth.logins import Attempt
from service.auth.tokens import caller_of
from service.errors import RegistrationClosed, UserExists, before_write
from service.model import Caller, User
from service.web.connection import has_left
from service.web.responses import json_reply

CREATED = msgspec.json.encode(Status("User created successfully"))


async def register(request: web.Request) -> web.Response:
    if request.app[SETTINGS].registration == "closed":
        raise RegistrationClosed()
    username, password = parse_new_credentials(await read_body(request))
    client = client_of(request)
    with noting_sign_up(request, username):
        if request.app[ADMINISTRATOR].is_reserved(username):
            raise UserExists()
        with request.app[PASSWORDS].enter_queue(client) as entry:
            await request.app[STORAGE].begin_sign_up(client.address)
            password_hash = await request.app[PASSWORDS].hash(password, entry)
        await request.app[STORAGE].create_user(username, password_hash)
    return json_reply(CREATED)


async def login(request: web.Request) -> web.Response:
    username, password = parse_credentials(await read_body(request))
    async with noting_login(request, username):
        user = await _check_password(request, username, password)
    return _token_reply(request, Caller(username, user.credentials_version))


async def refresh(request: web.Request) -> web.Response:
    parse_nothing(await read_body(request))
    caller = caller_of(request)
    await request.app[STORAGE].check_session(caller)
    return _token_reply(request, caller)


async def logout(request: web.Request) -> web.Response:
    parse_nothing(await read_body(request))
    await request.app[STORAGE].end_tokens(caller_of(request))
    return json_reply(SUCCESS)


async def change_password(request: web.Request) -> web.Response:
    caller = caller_of(request)
    change = parse_password_change(await read_body(request))
    await confirm_password(request, change.old)
    with request.app[PASSWORDS].enter_queue(client_of(request)) as entry:
        password_hash = await request.app[PASSWORDS].hash(change.new, entry)
    changed = await request.app[STORAGE].change_password(
        caller, password_hash, keeps_access_tokens=change.keeps_access_tokens
    )
    return _token_reply(request, changed)


async def show(request: web.Request) -> web.Response:
    refuse_query(request.rel_url.raw_query_string)
    account = await request.app[STORAGE].account(caller_of(request))
    shown = Account(account.username, account.created_at, account.grants)
    if account.is_administrator:
        shown.administrator = True
    return json_reply(msgspec.json.encode(shown))


async def delete(request: web.Request) -> web.Response:
    await confirm_password(request, parse_password(await read_body(request)))
    await request.app[STORAGE].delete_user(caller_of(request))
    return json_reply(SUCCESS)


async def confirm_password(request: web.Request, password: str) -> None:
    """Checks the account's password before a write, in addition to the token.

    :raises TokenRevoked: the token is not valid any more
    :raises InvalidCredentials: the password is wrong
    :raises TooManyAttempts: there were too many wrong passwords
    :raises Overloaded: the queue of passwords is full
    """
    caller = caller_of(request)
    with before_write():
        await request.app[STORAGE].check_session(caller)
        await _check_password(request, caller.username, password)


async def _check_password(request: web.Request, username: str, password: str) -> User:
    """The account whose name and password these are.

    :raises InvalidCredentials: the name is unknown or the password is wrong
    :raises TooManyAttempts: there were too many wrong passwords
    :raises Overloaded: the queue of passwords is full
    """
    client = client_of(request)
    attempt = Attempt(username, password, client.address)
    with request.app[ADMISSION].waiting():
        return await request.app[LOGINS].check(attempt, client.has_left)


def client_of(request: web.Request) -> Client:
    """The client of a request, for the queue of passwords."""
    address = client_address(request, request.app[SETTINGS].trusted_proxies)
    return Client(address, partial(has_left, request))


def _token_reply(request: web.Request, caller: Caller) -> web.Response:
    token = request.app[TOKENS].issue(caller)
    return json_reply(msgspec.json.encode(Token(token)))
