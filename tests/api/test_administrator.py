"""The account of `ADMIN_LOGIN`: whether it is an administrator after a start."""

import asyncio
import logging
from typing import Any

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, unique
from tests.support.console import (
    admin,
    disable,
    hash_of,
    lua,
    make_administrator,
    set_grants,
)
from tests.support.machine import wait_until
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools, evaluated

PASSWORD = "the password of the settings"

#: Of the warnings.
REFUSED = "the account of ADMIN_LOGIN does not become an administrator"
DISABLED = "the account of ADMIN_LOGIN is disabled"


@pytest.fixture
def name() -> str:
    return unique("admin")


def environ(name: str) -> dict[str, str]:
    return {"ADMIN_LOGIN": name, "ADMIN_PASSWORD": PASSWORD}


def create(tarantool: Tarantool, name: str, password: str, grants: str = "nil") -> None:
    admin(tarantool, "create_account", lua(name), lua(hash_of(password)), grants)


def row_of(tarantool: Tarantool, name: str) -> Any:
    return evaluated(tarantool, f"box.space.users:get({lua(name)})")


def is_administrator(tarantool: Tarantool, name: str) -> bool:
    return bool(evaluated(tarantool, f"box.space.users:get({lua(name)}).administrator"))


async def test_a_new_account_is_an_administrator_with_every_right(
    tarantools: Tarantools, serve: Serve, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with tarantools.running(KV_DEFAULT_GRANTS="[]") as tarantool:
        async with serve(tarantool, **environ(name)) as client:
            await client.login(name, PASSWORD)
            assert (await client.write({"any key": 1})).status == 200
            assert (await client.request("GET", "/api/admin/accounts")).status == 200
            assert (await client.request("GET", "/api/me")).json["administrator"]
        before = row_of(tarantool, name)
        async with serve(tarantool, **environ(name)):
            assert row_of(tarantool, name) == before
    assert "ADMIN_LOGIN" not in caplog.text


async def test_an_existing_account_becomes_one_if_the_password_is_its_own(
    tarantool: Tarantool, serve: Serve, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(create, tarantool, name, PASSWORD)
    set_grants(tarantool, name, ("a", "r"))
    before = row_of(tarantool, name)
    assert not is_administrator(tarantool, name)
    async with serve(tarantool, **environ(name)) as client:
        assert is_administrator(tarantool, name)
        assert row_of(tarantool, name)[:7] == before[:7]  # nothing else has changed
        await client.login(name, PASSWORD)
        assert (await client.request("GET", "/api/admin/accounts")).status == 200
    assert "ADMIN_LOGIN" not in caplog.text


async def test_an_account_that_somebody_else_has_registered_does_not(
    service: Client,
    tarantool: Tarantool,
    serve: Serve,
    name: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    assert (await service.register(name, "of a visitor")).status == 200
    before = row_of(tarantool, name)
    for _ in range(2):
        async with serve(tarantool, **environ(name)) as client:
            assert row_of(tarantool, name) == before
            await client.login(name, "of a visitor")
            reply = await client.request("GET", "/api/admin/accounts")
            assert_problem(reply, 403, "not_an_administrator")
            assert (await client.register(name, "x")).status == 409
    assert caplog.text.count(REFUSED) == 2
    assert PASSWORD not in caplog.text


async def test_a_disabled_account_stays_as_it_is(
    tarantool: Tarantool, serve: Serve, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(create, tarantool, name, PASSWORD)
    disable(tarantool, name)
    before = row_of(tarantool, name)
    async with serve(tarantool, **environ(name)) as client:
        assert row_of(tarantool, name) == before
        assert (await client.login(name, PASSWORD)).status == 401
    assert caplog.text.count(DISABLED) == 1


async def test_an_administrator_with_a_new_password_stays_one(
    tarantool: Tarantool, serve: Serve, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    await asyncio.to_thread(create, tarantool, name, "a newer password")
    make_administrator(tarantool, name)
    before = row_of(tarantool, name)
    async with serve(tarantool, **environ(name)):
        assert row_of(tarantool, name) == before
    assert "ADMIN_LOGIN" not in caplog.text


async def test_failed_logins_do_not_keep_it_from_becoming_one(
    service: Client, tarantool: Tarantool, serve: Serve, name: str
) -> None:
    await asyncio.to_thread(create, tarantool, name, PASSWORD)
    statuses = [(await service.login(name, "wrong")).status for _ in range(11)]
    assert statuses[-1] == 429
    async with serve(tarantool, **environ(name)):
        assert is_administrator(tarantool, name)


async def test_a_hash_of_another_cost_is_compared(
    tarantool: Tarantool, serve: Serve, name: str
) -> None:
    await asyncio.to_thread(create, tarantool, name, PASSWORD)
    async with serve(tarantool, KV_BCRYPT_ROUNDS="5", **environ(name)):
        assert is_administrator(tarantool, name)


@pytest.mark.parametrize("exists", [False, True])
async def test_several_services_start_at_the_same_time(
    tarantool: Tarantool, serve: Serve, name: str, *, exists: bool
) -> None:
    if exists:
        await asyncio.to_thread(create, tarantool, name, PASSWORD)

    async def start() -> int:
        async with serve(tarantool, **environ(name)) as client:
            return (await client.login(name, PASSWORD)).status

    assert await asyncio.gather(*(start() for _ in range(4))) == [200] * 4
    assert is_administrator(tarantool, name)


async def test_a_change_after_the_comparison_is_noticed(
    tarantool: Tarantool, name: str
) -> None:
    """The storage compares the hash again, in the moment of the change."""
    await asyncio.to_thread(create, tarantool, name, PASSWORD)
    known = row_of(tarantool, name)[1]
    confirm = f"kv.v1.confirm_administrator({lua(name)}, {lua(known)})"
    other = await asyncio.to_thread(hash_of, "another")
    admin(tarantool, "set_password_hash", lua(name), lua(other))
    assert evaluated(tarantool, confirm) is False
    assert not is_administrator(tarantool, name)
    admin(tarantool, "set_password_hash", lua(name), lua(known))
    disable(tarantool, name)
    assert evaluated(tarantool, confirm) is False
    assert not is_administrator(tarantool, name)
    admin(tarantool, "enable_account", lua(name))
    assert evaluated(tarantool, confirm) is True
    assert is_administrator(tarantool, name)


async def test_it_happens_later_where_the_storage_does_not_accept_it_yet(
    tarantools: Tarantools, serve: Serve, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    with tarantools.running() as tarantool, caplog.at_level(logging.INFO):
        await asyncio.to_thread(create, tarantool, name, PASSWORD)
        tarantool.console("box.cfg{read_only = true}")
        async with serve(tarantool, **environ(name)):
            assert not is_administrator(tarantool, name)
            tarantool.console("box.cfg{read_only = false}")
            await asyncio.to_thread(
                wait_until, lambda: is_administrator(tarantool, name), 20
            )
    assert caplog.text.count("ADMIN_LOGIN cannot be set up yet") == 1


#: A storage that does not answer about the account, until `ANSWERS`.
REFUSES = """
kept = kv.v1.find_administrator
kv.v1.find_administrator = function()
    box.error({type = 'kv.NotLeader', reason = 'not yet'})
end
"""
ANSWERS = "kv.v1.find_administrator = kept"


@pytest.mark.parametrize("password", [PASSWORD, "another"])
async def test_a_later_attempt_logs_whether_it_has_succeeded(
    tarantools: Tarantools,
    serve: Serve,
    name: str,
    caplog: pytest.LogCaptureFixture,
    password: str,
) -> None:
    with tarantools.running() as tarantool, caplog.at_level(logging.INFO):
        await asyncio.to_thread(create, tarantool, name, password)
        tarantool.console(REFUSES)
        async with serve(tarantool, **environ(name)):
            tarantool.console(ANSWERS)
            expected = "is set up" if password == PASSWORD else REFUSED
            await asyncio.to_thread(wait_until, lambda: expected in caplog.text, 20)
        assert is_administrator(tarantool, name) == (password == PASSWORD)
    assert caplog.text.count("ADMIN_LOGIN cannot be set up yet") == 1
    assert ("is set up" in caplog.text) == (password == PASSWORD)
