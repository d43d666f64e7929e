"""Calls whose arguments are encoded before asynctnt gets them."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from asynctnt.exceptions import TarantoolNotConnectedError

from service.settings import Address
from service.storage.connection import Connection
from tests.support.tarantool import SERVICE_ACCOUNT, Tarantool

TIMEOUT = 5.0

#: Arguments of every type that the service sends, up to those of its largest batches.
ARGUMENTS: dict[str, list[Any]] = {
    "none": [],
    "numbers": [None, True, False, 0, -1, 2**31, -(2**63), 2**63 - 1, 1.5, 1e300],
    "texts": ["", "key", "é", "😀", "x" * 31, "x" * 32, "x" * 2**8, "x" * 2**16],
    "arrays": [
        ["a"] * 15,
        ["a"] * 16,
        ["a"] * 2**16,
        {"ttl": 1.5, "if": [["k", [None]]]},
    ],
    "16-mib": ["x" * 2**24],
}


@pytest.fixture
async def connection(tarantool: Tarantool) -> AsyncIterator[Connection]:
    tarantool.console("rawset(_G, 'echo', function(...) return ... end)")
    tarantool.console("box.schema.func.create('echo', {if_not_exists = true})")
    tarantool.console(
        "box.schema.user.grant('kv_service', 'execute', 'function', 'echo', "
        "{if_not_exists = true})"
    )
    address = Address("127.0.0.1", tarantool.port)
    opened = Connection(
        address,
        SERVICE_ACCOUNT["username"],
        SERVICE_ACCOUNT["password"],
        lambda _: None,
    )
    await opened.open()
    yield opened
    await opened.disconnect()
    tarantool.console("box.schema.func.drop('echo')")


async def echo(connection: Connection, arguments: list[Any]) -> list[Any]:
    encoded = msgspec.msgpack.encode(arguments)
    body: list[Any] = (await connection.call_encoded("echo", encoded, TIMEOUT)).body
    return body


@pytest.mark.parametrize("arguments", ARGUMENTS.values(), ids=ARGUMENTS)
async def test_arguments_arrive_as_they_were_given(
    connection: Connection, arguments: list[Any]
) -> None:
    assert await echo(connection, arguments) == arguments


async def test_each_of_many_calls_has_its_own_arguments(connection: Connection) -> None:
    """Next to calls that asynctnt encodes."""
    encoded = [echo(connection, [n, "x" * n]) for n in range(200)]
    plain = [connection.call("echo", [n]) for n in range(200)]
    assert await asyncio.gather(*encoded) == [[n, "x" * n] for n in range(200)]
    assert [each.body for each in await asyncio.gather(*plain)] == [
        [n] for n in range(200)
    ]


async def test_a_call_that_is_not_sent_leaves_no_arguments(
    connection: Connection,
) -> None:
    encoded = msgspec.msgpack.encode(["left"])
    with pytest.raises(TypeError):
        connection.call_encoded("echo", encoded, "no number")  # type: ignore[arg-type]
    assert (await connection.call("echo", [])).body == []


async def test_a_closed_connection_refuses_a_call(connection: Connection) -> None:
    await connection.disconnect()
    with pytest.raises(TarantoolNotConnectedError):
        await echo(connection, [])
