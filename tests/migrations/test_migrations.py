"""Migrations, applied by real instances from folders of the tests' own."""

import hashlib
import signal
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.machine import ROOT, wait_until
from tests.tarantool import START_TIMEOUT, Tarantool, Tarantools, cut_off_at, evaluated

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

#: An instance that was configured read-only before our init.lua, as a follower is.
FOLLOWER = """
require('fio').mktree('{data}')
box.cfg({{
    work_dir = '{data}', wal_mode = 'fsync',
    read_only = true, replication = 'follower:secret@127.0.0.1:{leader}',
}})
dofile('{init}')
"""


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
    return [name for name, _, _ in evaluated(tarantool, RECORDS)]


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


def test_each_keeps_what_is_there(
    tarantools: Tarantools, migrations: Migrations
) -> None:
    first, *later = ours()
    migrations.put_ours(first)
    kept: list[tuple[str, list[object]]] = []
    with tarantools.running(migrations.path) as tarantool:
        for name in (first, *later):
            if name != first:
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


def test_a_restart_applies_nothing_again(migrated: Tarantool) -> None:
    records = evaluated(migrated, RECORDS)
    restart(migrated)
    assert evaluated(migrated, RECORDS) == records
    for name in ours():
        assert migrated.log().count(f"migration {name} applied") == 1


def test_a_record_has_the_name_the_hash_and_the_time(migrated: Tarantool) -> None:
    records = evaluated(migrated, RECORDS)
    assert [name for name, _, _ in records] == ours()
    for name, sha256, applied_at in records:
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
    last = ours()[-1]
    migrations.remove(last)
    refuses_to_start(migrated, f"{last} was applied here, but its file is missing")
    migrations.put_ours(last)
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
def test_one_that_ends_half_way_leaves_nothing_behind(
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


def test_the_one_that_fails_is_named(
    migrated: Tarantool, migrations: Migrations
) -> None:
    migrations.put("9999_added", ADDS_A_SPACE.replace("HERE", "error('half-way')"))
    refuses_to_start(migrated, "9999_added failed and was rolled back: ")
    assert "half-way" in migrated.log()


def test_a_first_start_that_crashed_at_any_moment_is_made_good(
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
        leader.console("box.schema.user.create('follower', {password = 'secret'})")
        leader.console("box.schema.user.grant('follower', 'replication')")
        wrapper = tmp_path / "follower.lua"
        wrapper.write_text(
            FOLLOWER.format(data=follower.data, leader=leader.port, init=follower.init)
        )
        follower.init = wrapper
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
