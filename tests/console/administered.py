"""A store with an administrator, and a client that calls it."""

import contextlib
from collections.abc import AsyncIterator
from typing import NamedTuple

from tests.console.steps import Account
from tests.support.addresses import coming_from, new_address
from tests.support.client import Client, account_of
from tests.support.console import make_administrator
from tests.support.tarantool import Tarantool


class Administrator(NamedTuple):
    account: Account
    client: Client


@contextlib.asynccontextmanager
async def administrator_of(
    console: Client, store: Tarantool
) -> AsyncIterator[Administrator]:
    async with coming_from(new_address(), console) as visitor:
        client = await visitor.enter()
        account = Account(account_of(client), "password")
        make_administrator(store, account.username)
        yield Administrator(account, client)
