"""Migrations, applied by real instances from folders of the tests' own."""

import hashlib
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.collector import expired_rows
from tests.support.machine import ROOT, wait_until
from tests.support.service import Serve
from tests.support.tarantool import (
    START_TIMEOUT,
    LocalTarantool,
    Tarantool,
    Tarantools,
    cut_off_at,
    evaluated,
    follow,
)

#: Written once the migration is applied, found again after every later one.
ROWS: dict[str, tuple[str, list[object]]] = {
    "0001_create_users": ("users", ["ann", "a hash", 1, 1700000000]),
    "0002_create_kv": ("kv", ["key", '"value"', 7]),
}

RECORDS = "box.space.migrations:select()"

#: Begins every transaction in a write-ahead log.
TRANSACTION = bytes.fromhex("d5ba0bab")

ADDS_A_SPACE = """
return {
    up = function()
        local space = box.schema.space.create('added')
        space:create_index('primary')
        space:insert({ 1 })
        HERE
        space:insert({ 2 })
    end,
}
"""
# not a signal: the first process of a container gets none of its own
DIES = "require('ffi').C._exit(1)"
DECLARES_EXIT = "require('ffi').cdef('void _exit(int);')\n"

#: Longer than the 1 s for which 3.x lets a fiber run, as with millions of rows.
WORKS_FOR_LONG = """
        local clock = require('clock')
        local deadline = clock.monotonic() + 1.5
        repeat
            space:get(1)
        until clock.monotonic() > deadline
"""

#: An instance that only migrates: today's procedures require today's spaces.
MIGRATES = """
package.path = '{lua}/?.lua;' .. package.path
require('fio').mktree('{data}')
box.cfg({{ work_dir = '{data}' }})
require('console').listen('unix/:{data}/console.sock')
require('kv.migrator').migrate('{migrations}')
"""

#: The contents of a store before keys could expire.
OLD_KEYS = {"a": '"old"', "b": "1.0", "c": "41"}
OLD_ROWS = """
box.space.users:insert({ 'ann', 'a hash', 1, 1700000000 })
box.space.kv:insert({ 'a', '"old"', 3 })
box.space.kv:insert({ 'b', '1.0', 7 })
box.space.kv:insert({ 'c', '41', 7 })
box.space.kv_meta:update('revision', {{ '=', 'value', 7 }})
"""

#: Accounts, each with an outcome kept for a retry, of before there were grants.
OLD_ACCOUNTS = """
box.atomic(function()
    for i = 1, {count} do
        local name = 'user ' .. i
        box.space.users:insert({{ name, 'a hash', 3, 1700000000 }})
        box.space.idempotency:insert({{ name, 'retry', 'a request', {{ 7, 1 }}, 2e9 }})
    end
end)
"""
MANY = 20_000

#: A change log of before it was indexed by key: a write of as many keys as a write may
#: have, and the deletion of one of them.
OLD_CHANGES = """
(function()
    local keys, values = {}, {}
    for i = 1, 10000 do
        keys[i], values[i] = ('key %05d'):format(i), '1'
    end
    box.space.kv_changes:insert({ 1, keys, values })
    box.space.kv_changes:insert({ 2, { 'key 10000' } })
    box.space.kv_meta:update('revision', {{ '=', 'value', 2 }})
end)()
"""
BY_KEY = "box.space.kv_changes.index.key"


class Migrations:
    """A folder of them that an instance, in a container too, can read."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        path.chmod(0o755)

    def put(self, name: str, text: str) -> None:
        file = self.path / f"{name}.lua"
        file.write_text(text)
        file.chmod(0o644)

    def put_ours(self, *names: str) -> None:
        for name in names:
            self.put(name, (ROOT / "migrations" / f"{name}.lua").read_text())

    def remove(self, name: str) -> None:
        (self.path / f"{name}.lua").unlink()


def ours() -> list[str]:
    return sorted(file.stem for file in (ROOT / "migrations").glob("*.lua"))


def names(tarantool: Tarantool) -> list[str]:
    return [name for name, *_ in evaluated(tarantool, RECORDS)]


def restart(tarantool: Tarantool) -> None:
    tarantool.kill(signal.SIGTERM)
    tarantool.start()


@pytest.fixture
def migrations(tmp_path: Path) -> Migrations:
    return Migrations(tmp_path / "migrations")


@pytest.fixture
def migrated(tarantools: Tarantools, migrations: Migrations) -> Iterator[Tarantool]:
    """An instance of today, to be restarted with something else in the folder."""
    migrations.put_ours(*ours())
    with tarantools.running(migrations.path) as tarantool:
        yield tarantool


def migrate_only(local: LocalTarantool, migrations: Migrations, script: Path) -> None:
    """Makes it an instance that starts with any migrations."""
    lua, data = local.init.parent, local.data
    script.write_text(MIGRATES.format(lua=lua, data=data, migrations=migrations.path))
    local.init = script


def test_each_migration_keeps_existing_data(
    tarantools: Tarantools, migrations: Migrations, tmp_path: Path
) -> None:
    kept: list[tuple[str, list[object]]] = []
    with tarantools.local(migrations.path) as tarantool:
        migrate_only(tarantool, migrations, tmp_path / "migrates.lua")
        for name in ours():
            migrations.put_ours(name)
            restart(tarantool)
            assert names(tarantool)[-1] == name
            for space, row in kept:
                (found,) = evaluated(tarantool, f"box.space.{space}:select()")
                assert found[: len(row)] == row
            if name in ROWS:
                space, row = ROWS[name]
                fields = ", ".join(
                    f"'{x}'" if isinstance(x, str) else str(x) for x in row
                )
                tarantool.console(f"box.space.{space}:insert({{ {fields} }})")
                kept.append((space, row))
    assert len(kept) == len(ROWS)


async def test_a_store_from_before_keys_could_expire_serves_on(
    tarantools: Tarantools, migrations: Migrations, tmp_path: Path, serve: Serve
) -> None:
    migrations.put_ours(*ours()[:2])
    with tarantools.local(migrations.path) as tarantool:
        today = tarantool.init
        migrate_only(tarantool, migrations, tmp_path / "migrates.lua")
        tarantool.start()
        tarantool.console(OLD_ROWS)
        assert names(tarantool) == ["0001_create_users", "0002_create_kv"]
        tarantool.kill()

        migrations.put_ours(*ours()[2:])
        tarantool.init = today
        tarantool.start()
        assert evaluated(tarantool, "box.space.users:get('ann').password_hash") == (
            "a hash"
        )
        async with serve(tarantool) as client:
            await client.enter()
            read = await client.read(list("abcd"), revisions=True)
            members = ",".join(f'"{key}":{text}' for key, text in OLD_KEYS.items())
            assert read.text == (
                f'{{"data":{{{members}}},"revisions":{{"a":3,"b":7,"c":7}},"ttl":{{}}}}'
            )
            listed = await client.list_keys("", values=True)
            assert listed.text == f'{{"data":{{{members}}},"next":null}}'
            assert listed.revision == 7

            on_condition = await client.write({"a": 1}, ttl=0.01, **{"if": {"a": 3}})
            assert (on_condition.status, on_condition.revision) == (200, 8)
            assert (await client.increment({"c": 1})).json["data"] == {"c": 42}
            assert (await client.delete(["b"])).json["deleted"] == 1
            live = "box.space.kv:len()"
            wait_until(lambda: evaluated(tarantool, live) == 1, START_TIMEOUT)
            assert expired_rows(tarantool) == set()
            listed = await client.list_keys("", values=True)
            assert listed.json["data"] == {"c": 42}


def test_accounts_from_before_grants_keep_their_tokens_and_every_right(
    tarantools: Tarantools, migrations: Migrations, tmp_path: Path
) -> None:
    migrations.put_ours(*ours()[:5])
    with tarantools.local(migrations.path) as tarantool:
        today = tarantool.init
        migrate_only(tarantool, migrations, tmp_path / "migrates.lua")
        tarantool.start()
        tarantool.console(OLD_ACCOUNTS.format(count=MANY))
        tarantool.kill()

        migrations.put_ours(*ours()[5:])
        tarantool.init = today
        tarantool.start()
        for number in 1, MANY:
            caller = f"{{'user {number}', 3}}"
            put = f"kv.v1.put({caller}, {{'k'}}, {{'1'}})"
            assert evaluated(tarantool, put) > 0
            again = "{retry = {'retry', 'a request'}}"
            delete = f"{{kv.v1.delete({caller}, {{'k'}}, {again})}}"
            assert evaluated(tarantool, delete) == [7, 1]
        ids = "box.space.users:get('{}').id"
        old = {evaluated(tarantool, ids.format(f"user {n}")) for n in (1, 2, MANY)}
        tarantool.console("kv.v1.create_user('new', 'a hash')")
        new = evaluated(tarantool, ids.format("new"))
        assert len(old) == 3
        assert new > max(old)


def test_a_change_log_from_before_has_no_history(
    tarantools: Tarantools, migrations: Migrations, tmp_path: Path
) -> None:
    """It stays, and clients resume from it."""
    migrations.put_ours(*ours()[:10])
    with tarantools.local(migrations.path) as tarantool:
        today = tarantool.init
        migrate_only(tarantool, migrations, tmp_path / "migrates.lua")
        tarantool.start()
        tarantool.console(OLD_CHANGES)
        tarantool.kill()

        migrations.put_ours(*ours()[10:])
        tarantool.init = today
        tarantool.start()
        assert evaluated(tarantool, "box.space.kv_changes:len()") == 2
        assert evaluated(tarantool, f"{BY_KEY}:len()") == 0
        tarantool.console("kv.v1.create_user('ann', 'a hash')")
        key = "{'ann', 1}, 'key 10000'"
        assert evaluated(
            tarantool, f"{{kv.v1.history({key}, nil, 10, 10000, true)}}"
        ) == [[], 2, None]
        since = evaluated(
            tarantool, "{kv.v1.read_changes({'ann', 1}, 0, 'key 1', 1000000)}"
        )
        assert [revision for revision, *_ in since[0]] == [1, 2]
        assert evaluated(tarantool, f"{{kv.v1.value_at({key}, 1, 1000)}}")[2] == 2

        put = "(kv.v1.put({'ann', 1}, {'key 10000'}, {'2'}))"
        assert evaluated(tarantool, put) == 3
        assert evaluated(tarantool, f"{BY_KEY}:len()") == 1
        found = evaluated(tarantool, f"(kv.v1.history({key}, nil, 10, 10000, true))")
        assert [revision for revision, *_ in found] == [3]
        tarantool.kill()
        tarantool.start()
        assert evaluated(tarantool, f"{BY_KEY}:len()") == 1


def test_a_restart_applies_nothing_again(migrated: Tarantool) -> None:
    records = evaluated(migrated, RECORDS)
    restart(migrated)
    assert evaluated(migrated, RECORDS) == records
    for name in ours():
        assert migrated.log().count(f"migration {name} applied") == 1


def test_a_record_has_the_name_the_hash_and_the_time(migrated: Tarantool) -> None:
    records = evaluated(migrated, RECORDS)
    assert [name for name, *_ in records] == ours()
    for name, sha256, applied_at, *_ in records:
        text = (ROOT / "migrations" / f"{name}.lua").read_bytes()
        assert sha256 == hashlib.sha256(text).hexdigest()
        assert abs(applied_at - time.time()) < START_TIMEOUT


def refuses_to_start(tarantool: Tarantool, reason: str) -> None:
    tarantool.kill(signal.SIGTERM)
    with pytest.raises(RuntimeError, match="Tarantool ended"):
        tarantool.start()
    assert f"kv: cannot start: migration {reason}" in tarantool.log()


def test_an_edited_file_stops_the_start(
    migrated: Tarantool, migrations: Migrations
) -> None:
    first = ours()[0]
    migrations.put(first, (ROOT / "migrations" / f"{first}.lua").read_text() + "\n")
    refuses_to_start(migrated, f"{first} was edited")
    migrations.put_ours(first)
    migrated.start()


def test_a_missing_file_stops_the_start(
    migrated: Tarantool, migrations: Migrations
) -> None:
    name = "0010_find_keys_by_hash"  # not declared compatible, as later ones are
    migrations.remove(name)
    refuses_to_start(migrated, f"{name} was applied here, but its file is missing")
    migrations.put_ours(name)
    migrated.start()


def test_a_file_that_comes_before_an_applied_one_stops_the_start(
    migrated: Tarantool, migrations: Migrations
) -> None:
    migrations.put("0000_late", ADDS_A_SPACE.replace("HERE", ""))
    refuses_to_start(migrated, f"0000_late comes before {ours()[0]}")
    migrations.remove("0000_late")
    migrated.start()
    assert evaluated(migrated, "box.space.added == nil")


def test_a_file_that_is_not_lua_stops_the_start(
    migrated: Tarantool, migrations: Migrations
) -> None:
    migrations.put("9999_broken", "return {")
    refuses_to_start(migrated, "9999_broken: ")


@pytest.mark.parametrize("failure", ["error('half-way')", DIES], ids=["error", "crash"])
def test_a_migration_that_fails_half_way_leaves_nothing_behind(
    migrated: Tarantool, migrations: Migrations, failure: str
) -> None:
    text = DECLARES_EXIT + ADDS_A_SPACE
    migrations.put("9999_added", text.replace("HERE", failure))
    migrated.kill(signal.SIGTERM)
    with pytest.raises(RuntimeError, match="Tarantool ended"):
        migrated.start()
    migrations.remove("9999_added")
    migrated.start()
    assert evaluated(migrated, "box.space.added == nil")
    assert names(migrated) == ours()

    migrations.put("9999_added", text.replace("HERE", ""))
    restart(migrated)
    assert evaluated(migrated, "box.space.added:select()") == [[1], [2]]
    assert names(migrated) == [*ours(), "9999_added"]


def test_a_migration_that_runs_long_without_a_yield_is_applied(
    migrated: Tarantool, migrations: Migrations
) -> None:
    migrations.put("9999_added", ADDS_A_SPACE.replace("HERE", WORKS_FOR_LONG))
    restart(migrated)
    assert evaluated(migrated, "box.space.added:select()") == [[1], [2]]


def test_a_failing_migration_is_named(
    migrated: Tarantool, migrations: Migrations
) -> None:
    migrations.put("9999_added", ADDS_A_SPACE.replace("HERE", "error('half-way')"))
    refuses_to_start(migrated, "9999_added failed and was rolled back: ")
    assert "half-way" in migrated.log()


def test_a_first_start_that_crashed_at_any_moment_is_completed(
    tarantools: Tarantools, migrations: Migrations
) -> None:
    migrations.put_ours(*ours())
    with tarantools.local(migrations.path) as source:
        source.start()
        source.kill()
        (log,) = source.data.glob("*.xlog")
        content = log.read_bytes()
        begins = [
            at for at in range(len(content)) if content.startswith(TRANSACTION, at)
        ]
        assert len(begins) > len(ours())
        failures = {}
        for count, begin in enumerate(begins):
            with tarantools.local(migrations.path) as crashed:
                cut_off_at(source, begin, crashed)
                try:
                    crashed.start()
                except RuntimeError as error:
                    failures[count] = str(error).splitlines()[-1]
                else:
                    assert names(crashed) == ours()
        assert failures == {}


def listens(tarantool: Tarantool) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", tarantool.port)) == 0


def test_a_follower_waits_for_its_leader_to_migrate(
    tarantools: Tarantools, tmp_path: Path
) -> None:
    old, new = Migrations(tmp_path / "old"), Migrations(tmp_path / "new")
    old.put_ours(*ours())
    new.put_ours(*ours())
    new.put("9999_added", ADDS_A_SPACE.replace("HERE", ""))
    with (
        tarantools.local(old.path) as leader,
        tarantools.local(new.path) as follower,
        ThreadPoolExecutor() as threads,
    ):
        leader.start()
        follow(leader, follower, tmp_path)
        starting = threads.submit(follower.start)
        wait_until(lambda: "waiting for the leader" in follower.log(), START_TIMEOUT)
        time.sleep(0.5)
        assert not listens(follower)
        assert not starting.done()

        old.put("9999_added", (new.path / "9999_added.lua").read_text())
        restart(leader)
        starting.result(START_TIMEOUT)
        assert evaluated(follower, "box.space.added:select()") == [[1], [2]]
        assert evaluated(follower, RECORDS) == evaluated(leader, RECORDS)
        assert listens(follower)


COMPATIBLE = ADDS_A_SPACE.replace("HERE", "").replace(
    "    end,\n}", "    end,\n    compatible = true,\n}"
)


@pytest.mark.parametrize("text", [COMPATIBLE, ADDS_A_SPACE.replace("HERE", "")])
def test_the_version_before_starts_only_after_a_compatible_migration(
    migrated: Tarantool, migrations: Migrations, text: str
) -> None:
    migrations.put("9999_added", text)
    restart(migrated)
    assert names(migrated) == [*ours(), "9999_added"]

    migrations.remove("9999_added")
    if text == COMPATIBLE:
        restart(migrated)
        assert names(migrated) == [*ours(), "9999_added"]
    else:
        with pytest.raises(RuntimeError, match="9999_added was applied here, but its"):
            restart(migrated)


def test_a_compatible_migration_must_be_newer_than_all_files(
    migrated: Tarantool, migrations: Migrations
) -> None:
    migrations.put("9998_added", COMPATIBLE)
    migrations.put("9999_last", "return { up = function() end, compatible = true }")
    restart(migrated)
    migrations.remove("9998_added")
    with pytest.raises(RuntimeError, match="9998_added was applied here, but its file"):
        restart(migrated)


def test_a_file_must_not_come_after_a_newer_migration(
    migrated: Tarantool, migrations: Migrations
) -> None:
    migrations.put("9999_added", COMPATIBLE)
    restart(migrated)
    migrations.remove("9999_added")
    migrations.put("9998_late", "return { up = function() end }")
    with pytest.raises(RuntimeError, match="9998_late comes before 9999_added"):
        restart(migrated)
