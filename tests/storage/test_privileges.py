"""The service's account may call the procedures, and nothing else."""

from collections.abc import AsyncIterator
from typing import Any

import asynctnt
import pytest
from asynctnt.exceptions import ErrorCode, TarantoolDatabaseError

from tests.support.client import unique
from tests.support.console import functions
from tests.support.tarantool import PASSWORD, Tarantool, caller_of, connected, evaluated

#: All spaces and views, the system's too.
SPACES = """
(function()
    local found = {}
    for _, space in box.space._space:pairs() do
        table.insert(found, { space.id, space.name })
    end
    return found
end)()
"""

FOREIGN_FUNCTIONS = [
    ("box.session.su", ["admin"]),
    ("box.session.user", []),
    ("box.schema.user.info", []),
    ("box.schema.user.passwd", ["a password of my own"]),
    ("box.schema.user.grant", ["kv_service", "super"]),
    ("box.schema.func.create", ["mine"]),
    ("box.cfg", [{"listen": "0"}]),
    ("box.snapshot", []),
    ("box.execute", ['select * from "users"']),
    ("box.space.users:select", []),
    ("box.space.kv.select", []),
    ("os.execute", ["true"]),
    ("os.exit", []),
    ("io.open", ["/etc/passwd"]),
    ("loadstring", ["return 1"]),
    ("dofile", ["/etc/passwd"]),
    ("require", ["fio"]),
    ("rawset", []),
    # Tarantool 2 has it as a function of SQL: Lua with all rights, for everybody
    ("LUA", ["return 1"]),
    ("kv.admin.backup", ["/tmp/backup"]),
    ("kv.admin.help", []),
    ("kv.admin", []),
    ("kv.v1.nope", []),
    ("kv.v1", []),
    ("kv", []),
]
PROCEDURES = [
    f"kv.v1.{name}"
    for name in (
        *("status", "begin_sign_up", "create_user", "begin_login", "end_login"),
        *("rehash", "put", "get", "delete", "increment", "list", "changes", "follow"),
    )
]


@pytest.fixture
async def account(tarantool: Tarantool) -> AsyncIterator[asynctnt.Connection]:
    connection = await connected(tarantool, username="kv_service", password=PASSWORD)
    yield connection
    await connection.disconnect()


@pytest.fixture
async def guest(tarantool: Tarantool) -> AsyncIterator[asynctnt.Connection]:
    connection = await connected(tarantool)
    yield connection
    await connection.disconnect()


@pytest.fixture(params=["account", "guest"])
def unprivileged(
    request: pytest.FixtureRequest,
    account: asynctnt.Connection,
    guest: asynctnt.Connection,
) -> asynctnt.Connection:
    """An account with the right to call procedures only, or the guest."""
    return account if request.param == "account" else guest


async def is_refused(call: Any) -> bool:
    try:
        await call
    except TarantoolDatabaseError as error:
        return bool(error.code == ErrorCode.ER_ACCESS_DENIED)
    return False


async def test_no_space_can_be_read(
    tarantool: Tarantool, unprivileged: asynctnt.Connection
) -> None:
    spaces = evaluated(tarantool, SPACES)
    assert {"users", "kv", "migrations", "_user", "_vuser"} <= {n for _, n in spaces}
    open_to_reading = [
        name
        for number, name in spaces
        if not await is_refused(unprivileged.select(number))
    ]
    assert open_to_reading == []


async def test_no_space_can_be_changed(
    tarantool: Tarantool, unprivileged: asynctnt.Connection
) -> None:
    row, steps = ["x", "x", 1, 1], [("=", 1, "x")]
    open_to_changes = []
    for number, name in evaluated(tarantool, SPACES):
        changes = {
            "insert": unprivileged.insert(number, row),
            "replace": unprivileged.replace(number, row),
            "update": unprivileged.update(number, ["x"], steps),
            "upsert": unprivileged.upsert(number, row, steps),
            "delete": unprivileged.delete(number, ["x"]),
        }
        for change, outcome in changes.items():
            if not await is_refused(outcome):
                open_to_changes.append(f"{change} in {name}")
    assert open_to_changes == []


async def test_lua_cannot_be_sent(unprivileged: asynctnt.Connection) -> None:
    assert await is_refused(unprivileged.eval("return 1"))


@pytest.mark.parametrize(
    "statement",
    [
        'select * from "users"',
        'delete from "kv"',
        "insert into \"kv\" values ('k', '1', 1, null)",
        "create table t (i int primary key)",
    ],
)
async def test_sql_does_not_reach_a_space(
    tarantool: Tarantool, unprivileged: asynctnt.Connection, statement: str
) -> None:
    # a statement that empties a space checks the right row by row
    tarantool.console("box.space.kv:replace({'a row', '1', 0})")
    assert await is_refused(unprivileged.execute(statement))


@pytest.mark.parametrize(("function", "args"), FOREIGN_FUNCTIONS)
async def test_no_other_function_can_be_called(
    unprivileged: asynctnt.Connection, function: str, args: list[Any]
) -> None:
    assert await is_refused(unprivileged.call(function, args))


async def test_no_function_of_the_operators_can_be_called(
    tarantool: Tarantool, unprivileged: asynctnt.Connection
) -> None:
    open_to_calls = [
        name
        for name in functions(tarantool)
        if not await is_refused(unprivileged.call(f"kv.admin.{name}", ["alice"]))
    ]
    assert open_to_calls == []


async def test_the_procedures_can_be_called(
    tarantool: Tarantool, account: asynctnt.Connection
) -> None:
    name, key = unique("user"), unique("key")
    (status,) = (await account.call("kv.v1.status")).body
    assert status["leads"]
    assert not status["read_only"]
    await account.call("kv.v1.create_user", [name, "a hash"])
    caller = caller_of(tarantool, name)
    found = await account.call("kv.v1.begin_login", [name, "nowhere"])
    assert found.body[2:] == ["a hash", caller[1]]
    (revision,) = (await account.call("kv.v1.put", [caller, [key], ["1"]])).body
    assert revision >= 1
    assert (await account.call("kv.v1.get", [caller, [key], 100])).body == [["1"]]


@pytest.mark.parametrize("procedure", PROCEDURES)
async def test_a_guest_cannot_call_the_procedures(
    guest: asynctnt.Connection, procedure: str
) -> None:
    assert await is_refused(guest.call(procedure, []))


async def test_the_refusals_above_are_not_of_a_broken_client(
    tarantool: Tarantool,
) -> None:
    """The control: with one right more, the same call is not refused."""
    name = unique("reader")
    tarantool.console(f"box.schema.user.create('{name}', {{password = 'p'}})")
    tarantool.console(f"box.schema.user.grant('{name}', 'read', 'space', 'kv_meta')")
    number = evaluated(tarantool, "box.space.kv_meta.id")
    connection = await connected(tarantool, username=name, password="p")
    assert not await is_refused(connection.select(number))
    await connection.disconnect()
    tarantool.console(f"box.schema.user.drop('{name}')")
