"""Administration: accounts of others, and the state of the store."""

import msgspec
from aiohttp import web

from service import __version__
from service.api.accounts import client_of
from service.api.audit import note_audit
from service.api.bodies import read_body
from service.api.context import ADMINISTRATOR, ADMISSION, PASSWORDS, SETTINGS, STORAGE
from service.api.parsing.account_bodies import parse_nothing
from service.api.parsing.administration import (
    parse_account_change,
    parse_end_tokens,
    parse_new_account,
)
from service.api.parsing.queries import (
    parse_account_query,
    parse_accounts_query,
    refuse_query,
)
from service.api.schemas.replies import SUCCESS, Accounts, StoreState
from service.auth.tokens import caller_of
from service.errors import NotFound, UserExists, before_write
from service.model import AccountChanges, ManagedAccount
from service.sizes import MIB, SMALL
from service.web.reservation import reserve
from service.web.responses import json_reply

#: Bytes of accounts that a page of them has at most, unless its first one has more.
MAX_PAGE = MIB


async def list_accounts(request: web.Request) -> web.Response:
    page = parse_accounts_query(request.rel_url.raw_query_string)
    size = min(MAX_PAGE, max(SMALL, request.app[ADMISSION].available))
    reserve(request, size)
    accounts, following = await request.app[STORAGE].administration.accounts(
        caller_of(request), page.prefix, page.after, page.limit, size
    )
    body = msgspec.json.encode(Accounts(accounts, following))
    return json_reply(body, compressible=True)


async def create(request: web.Request) -> web.Response:
    given = parse_new_account(await read_body(request), request.app[SETTINGS])
    username, password = given.credentials
    note_audit(request, target=username)
    with before_write():
        await _check_is_free(request, username)
        password_hash = await _hash(request, password)
    created = await request.app[STORAGE].administration.create(
        caller_of(request),
        username,
        password_hash,
        given.grants,
        administrator=given.administrator,
    )
    return _account_reply(created)


async def show(request: web.Request) -> web.Response:
    username = _account_in_query(request)
    administration = request.app[STORAGE].administration
    return _account_reply(await administration.account(caller_of(request), username))


async def change(request: web.Request) -> web.Response:
    body = await read_body(request, has_query=True)
    username = _account_in_query(request)
    changes, password, keep = parse_account_change(body, request.app[SETTINGS])
    note_audit(request, changed=_members_of(changes, password))
    caller, administration = caller_of(request), request.app[STORAGE].administration
    if password is not None:
        with before_write():
            await administration.account(caller, username)
            password_hash = await _hash(request, password)
        changes = changes._replace(password_hash=password_hash)
    return _account_reply(
        await administration.change(caller, username, changes, keeps_access_tokens=keep)
    )


async def delete(request: web.Request) -> web.Response:
    parse_nothing(await read_body(request, has_query=True))
    username = _account_in_query(request)
    await request.app[STORAGE].administration.delete(caller_of(request), username)
    return json_reply(SUCCESS)


async def end_tokens(request: web.Request) -> web.Response:
    keep = parse_end_tokens(await read_body(request, has_query=True))
    username = _account_in_query(request)
    await request.app[STORAGE].administration.end_tokens(
        caller_of(request), username, keeps_access_tokens=keep
    )
    return json_reply(SUCCESS)


async def status(request: web.Request) -> web.Response:
    refuse_query(request.rel_url.raw_query_string)
    found = await request.app[STORAGE].administration.statistics(caller_of(request))
    state = msgspec.convert({**found, "version": __version__}, StoreState)
    return json_reply(msgspec.json.encode(state))


def _account_in_query(request: web.Request) -> str:
    """The name of the account that the request is about, which the audit log has.

    :raises InvalidRequest: the query is malformed
    """
    username = parse_account_query(request.rel_url.raw_query_string)
    note_audit(request, target=username)
    return username


def _members_of(changes: AccountChanges, password: str | None) -> list[str]:
    """The names of the members that a change has."""
    members = {**changes._asdict(), "password": password}
    members.pop("password_hash")
    return [name for name, value in members.items() if value is not None]


async def _check_is_free(request: web.Request, username: str) -> None:
    """Checks the caller's right and the name, before a password is hashed for it.

    :raises UserExists: the name is taken, or reserved
    """
    try:
        await request.app[STORAGE].administration.account(caller_of(request), username)
    except NotFound:
        if not request.app[ADMINISTRATOR].is_reserved(username):
            return
    raise UserExists()


async def _hash(request: web.Request, password: str) -> str:
    """Hashes a password in the queue of all passwords.

    :raises Overloaded: the queue is full
    """
    passwords = request.app[PASSWORDS]
    with passwords.enter_queue(client_of(request)) as entry:
        return await passwords.hash(password, entry)


def _account_reply(account: ManagedAccount) -> web.Response:
    return json_reply(msgspec.json.encode(account))
