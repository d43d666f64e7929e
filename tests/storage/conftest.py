"""Fixtures of the tests that call procedures as the service does."""

from collections.abc import AsyncIterator
from typing import Any

import asynctnt
import pytest

from tests.support.client import unique
from tests.support.tarantool import (
    SERVICE_ACCOUNT,
    Tarantool,
    caller_of,
    connected,
)


@pytest.fixture
async def account(tarantool: Tarantool) -> AsyncIterator[asynctnt.Connection]:
    """A connection of the service."""
    connection = await connected(tarantool, **SERVICE_ACCOUNT)
    yield connection
    await connection.disconnect()


@pytest.fixture
async def caller(tarantool: Tarantool, account: asynctnt.Connection) -> list[Any]:
    """A new account with the default grants."""
    name = unique("user")
    await account.call("kv.v1.create_user", [name, "a hash"])
    return caller_of(tarantool, name)
