"""The procedures over call(), and their deployment."""

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asynctnt
import pytest
from asynctnt.exceptions import TarantoolDatabaseError

from tests.support.client import unique
from tests.support.tarantool import (
    SERVICE_ACCOUNT,
    Tarantool,
    Tarantools,
    connected,
    evaluated,
)

#: The names of the functions in this system space.
DEPLOYED = """
(function()
    local names = {}
    for _, func in box.space._func:pairs() do
        if func.name:match('^kv%.') then table.insert(names, func.name) end
    end
    table.sort(names)
    return names
end)()
"""
GRANTED = """
(function()
    local names = {}
    for _, grant in ipairs(box.schema.role.info('kv_api')) do
        table.insert(names, table.concat(grant, ' '))
    end
    table.sort(names)
    return names
end)()
"""

#: Released procedures and their numbers of parameters. Lines are added, never changed.
RELEASED = json.loads(Path(__file__).with_name("released_procedures.json").read_text())

#: The procedures that a version has now, with their numbers of parameters.
PUBLISHED = """
(function()
    local arities = {}
    for version, procedures in pairs(kv) do
        if version ~= 'admin' then
            for name, procedure in pairs(procedures) do
                local info = debug.getinfo(procedure, 'u')
                assert(not info.isvararg)
                arities['kv.' .. version .. '.' .. name] = info.nparams
            end
        end
    end
    return arities
end)()
"""

LARGE = 1_000_000


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    """An instance to be restarted."""
    with tarantools.running() as instance:
        yield instance


def restart(tarantool: Tarantool) -> None:
    tarantool.kill(signal.SIGTERM)
    tarantool.start()


async def custom_type(call: Any) -> str:
    with pytest.raises(TarantoolDatabaseError) as raised:
        await call
    return str(raised.value.error.trace[0].fields["custom_type"])


@pytest.mark.parametrize("bad", [2, None, True, ["x"], {"x": 1}])
async def test_a_put_with_a_value_of_a_wrong_type_writes_nothing(
    account: asynctnt.Connection, caller: list[Any], bad: Any
) -> None:
    keys = [unique("a"), unique("b"), unique("c")]
    (before,) = (await account.call("kv.v1.put", [caller, keys[:1], ["1"]])).body
    with pytest.raises(TarantoolDatabaseError):
        await account.call("kv.v1.put", [caller, keys, ["2", bad, "2"]])
    found = (await account.call("kv.v1.get", [caller, keys, LARGE])).body
    assert found == [["1", None, None]]
    (after,) = (await account.call("kv.v1.put", [caller, keys[:1], ["3"]])).body
    assert after == before + 1


async def test_a_batch_increments_the_revision_once(
    account: asynctnt.Connection, caller: list[Any]
) -> None:
    revisions = []
    for size in (1, 100, 1):
        keys = [unique("key") for _ in range(size)]
        reply = await account.call("kv.v1.put", [caller, keys, ["1"] * size])
        revisions += reply.body
    first = revisions[0]
    assert revisions == [first, first + 1, first + 2]


@pytest.mark.parametrize("step", [-1, 1])
async def test_another_version_of_the_credentials_is_refused(
    account: asynctnt.Connection, caller: list[Any], step: int
) -> None:
    outdated, key = [caller[0], caller[1] + step], unique("key")
    put = account.call("kv.v1.put", [outdated, [key], ["1"]])
    get = account.call("kv.v1.get", [outdated, [key], LARGE])
    assert await custom_type(put) == "kv.TokenRevoked"
    assert await custom_type(get) == "kv.TokenRevoked"
    assert (await account.call("kv.v1.get", [caller, [key], LARGE])).body == [[None]]


async def test_an_unknown_caller_is_refused(account: asynctnt.Connection) -> None:
    unknown = [unique("unknown"), 1]
    put = account.call("kv.v1.put", [unknown, ["k"], ["1"]])
    get = account.call("kv.v1.get", [unknown, ["k"], LARGE])
    assert await custom_type(put) == "kv.TokenRevoked"
    assert await custom_type(get) == "kv.TokenRevoked"


async def test_an_increment_of_the_version_revokes_earlier_tokens(
    tarantool: Tarantool, account: asynctnt.Connection, caller: list[Any]
) -> None:
    name, version = caller
    key = unique("key")
    await account.call("kv.v1.put", [caller, [key], ["1"]])
    tarantool.console(f"box.space.users:update('{name}', {{{{'+', 3, 1}}}})")
    get = account.call("kv.v1.get", [caller, [key], LARGE])
    assert await custom_type(get) == "kv.TokenRevoked"
    get = account.call("kv.v1.get", [[name, version + 1], [key], LARGE])
    assert (await get).body == [["1"]]


async def test_a_name_is_registered_once(account: asynctnt.Connection) -> None:
    name = unique("user")
    await account.call("kv.v1.create_user", [name, "first"])
    again = account.call("kv.v1.create_user", [name, "second"])
    assert await custom_type(again) == "kv.UserExists"
    login = await account.call("kv.v1.begin_login", [name, "nowhere"])
    assert login.body[2] == "first"


async def test_a_reply_over_the_limit_is_refused(
    account: asynctnt.Connection, caller: list[Any]
) -> None:
    keys = [unique("a"), unique("b")]
    await account.call("kv.v1.put", [caller, keys, ["x" * 600] * 2])
    get = account.call("kv.v1.get", [caller, keys, 1000])
    assert await custom_type(get) == "kv.ReplyTooLarge"
    one = await account.call("kv.v1.get", [caller, keys[:1], 1000])
    assert one.body == [["x" * 600]]


@pytest.mark.parametrize("count", [2, 3, 40])
async def test_a_reply_over_the_limit_has_its_size_returned_on_request(
    account: asynctnt.Connection, caller: list[Any], count: int
) -> None:
    keys = [unique("key") for _ in range(count)]
    await account.call("kv.v1.put", [caller, keys, ["x" * 600] * count])
    whole = sum(map(len, keys)) + count * 600
    for detailed in False, True:
        get = [caller, keys, 1000, detailed, True]
        (size,) = (await account.call("kv.v1.get", get)).body
        assert whole <= size < whole + count * 64
        enough = await account.call("kv.v1.get", [caller, keys, size, detailed, True])
        assert enough.body[0] == ["x" * 600] * count

    gets = [[caller, keys, 1000], [caller, keys[:1], 1000]]
    sized = await account.call("kv.v1.get_each", [gets, True])
    assert sized.body == [[size, ["x" * 600]]]
    as_released = await account.call("kv.v1.get_each", [gets])
    assert as_released.body == [[None, ["x" * 600]]]


def test_what_is_stale_is_dropped_with_its_grant(own: Tarantool) -> None:
    procedures = sorted(RELEASED)
    grants = sorted(f"execute function {name}" for name in procedures)
    assert evaluated(own, DEPLOYED) == procedures
    assert evaluated(own, GRANTED) == grants

    own.console("box.schema.func.create('kv.v1.stale', {setuid = true})")
    own.console("box.schema.role.grant('kv_api', 'execute', 'function', 'kv.v1.stale')")
    assert "kv.v1.stale" in evaluated(own, DEPLOYED)
    assert "execute function kv.v1.stale" in evaluated(own, GRANTED)

    restart(own)
    assert evaluated(own, DEPLOYED) == procedures
    assert evaluated(own, GRANTED) == grants


def broken_procedures(published: dict[str, int]) -> dict[str, int | None]:
    """Released procedures that are missing or have another number of parameters."""
    return {
        name: published.get(name)
        for name, arity in RELEASED.items()
        if published.get(name) != arity
    }


def test_a_released_procedure_keeps_its_name_and_its_parameters(
    tarantool: Tarantool,
) -> None:
    published = evaluated(tarantool, PUBLISHED)
    assert broken_procedures(published) == {}
    assert published.keys() - RELEASED.keys() == set(), "add them to the list"


def test_a_missing_and_a_changed_procedure_are_found(own: Tarantool) -> None:
    """The control of the test above."""
    own.console("kv.v1.list = nil")
    own.console("kv.v1.get = function(caller, keys) return caller, keys end")
    found = broken_procedures(evaluated(own, PUBLISHED))
    assert found == {"kv.v1.list": None, "kv.v1.get": 2}


async def test_a_start_sets_the_password_of_the_environment(own: Tarantool) -> None:
    own.console("box.schema.user.passwd('kv_service', 'another')")
    with pytest.raises(TarantoolDatabaseError):
        await connected(own, **SERVICE_ACCOUNT)
    restart(own)
    connection = await connected(own, **SERVICE_ACCOUNT)
    await connection.disconnect()
    with pytest.raises(TarantoolDatabaseError):
        await connected(own, username="kv_service", password="another")


def test_a_start_with_all_in_place_writes_nothing(own: Tarantool) -> None:
    """A full disk must not stop a restart: reads continue."""
    before = evaluated(own, "box.info.lsn")
    own.kill()
    own.start()
    assert evaluated(own, "box.info.lsn") == before
