"""Pages of an export: after the end, what has changed again comes from the log."""

from collections.abc import AsyncIterator
from typing import Any, NamedTuple

import asynctnt
import pytest
from asynctnt.exceptions import TarantoolDatabaseError

from tests.support.procedures import prepare
from tests.support.tarantool import PASSWORD, Tarantool, Tarantools, connected

EXPORT = "kv.v1.export_page"
CALLER = ["ann", 1]

#: Bytes of a page: one key, or a few changes.
PAGE = 400

#: Keys of each batch, more than a page has space for.
COUNT = 20

#: Seconds.
TTL = 1000.0


class Page(NamedTuple):
    """What the procedure returns; rows are (key, value, revision, expires_at)."""

    revision: int | None
    position: Any
    changes: list[Any]
    rows: list[Any]


class Store:
    """An instance with the account ann, and an export of it."""

    def __init__(self, connection: asynctnt.Connection, tarantool: Tarantool) -> None:
        self.tarantool = tarantool
        self._connection = connection

    async def call(self, procedure: str, *arguments: Any) -> Any:
        return (await self._connection.call(procedure, [CALLER, *arguments])).body

    async def write(self, keys: list[str], value: str, ttl: float | None = None) -> int:
        options = {} if ttl is None else {"ttl": ttl}
        values = [f'"{value}"'] * len(keys)
        found = await self.call("kv.v1.put", keys, values, options)
        return int(found[0])

    async def delete(self, keys: list[str]) -> int:
        return int((await self.call("kv.v1.delete", keys))[0])

    async def page(self, position: Any, size: int = PAGE) -> Page:
        revision, following, *rest = await self.call(EXPORT, "k", position, size)
        if revision is None:
            return Page(None, following, [], [])
        changes, rows = (list(zip(*columns, strict=True)) for columns in rest[:2])
        return Page(revision, following, changes, rows)

    async def to_the_end(self) -> tuple[Page, dict[str, Any]]:
        """The page of the last row, with changes left; and the state so far."""
        state: dict[str, Any] = {}
        page = Page(0, None, [], [])
        while page.position is None or "target" not in page.position:
            page = await self.page(page.position)
            apply(state, page)
            assert page.position is not None, "there are no changes left"
            await self.write(names("k", COUNT), "changed", TTL)
        return page, state


def names(prefix: str, count: int) -> list[str]:
    return [f"{prefix}{number:02}" for number in range(count)]


def apply(state: dict[str, Any], page: Page) -> None:
    for key, value, revision, expires_at in page.changes + page.rows:
        if value is None:
            state.pop(key, None)
        else:
            state[key] = (value, revision, expires_at)


@pytest.fixture
async def store(tarantools: Tarantools) -> AsyncIterator[Store]:
    with tarantools.running() as tarantool:
        prepare(tarantool)
        connection = await connected(
            tarantool, username="kv_service", password=PASSWORD
        )
        store = Store(connection, tarantool)
        await store.write(names("k", COUNT), "old")
        yield store
        await connection.disconnect()


async def test_what_changes_after_the_end_is_as_it_was_at_the_end(
    store: Store,
) -> None:
    page, state = await store.to_the_end()
    target, pages = page.position["target"], 0
    while page.position is not None:
        page = await store.page(page.position)
        pages += 1
        assert (page.revision, page.rows) == (target, [])
        apply(state, page)
        if pages % 2:
            await store.write(names("k", COUNT), "later")
        else:
            await store.delete(names("k", COUNT))
    assert pages > 3
    # the writers of `to_the_end` had made one batch after each page but the last one
    assert set(state) >= set(names("k", COUNT))
    for key in names("k", COUNT):
        value, revision, expires_at = state[key]
        assert (value, revision) == ('"changed"', target)
        assert expires_at is not None


async def test_a_page_has_a_row_whatever_has_changed(store: Store) -> None:
    first = await store.page(None)
    last = first
    while last.position is not None and "target" not in last.position:
        await store.write(names("k", COUNT), "x" * PAGE)
        last = await store.page(last.position)
        assert len(last.rows) >= 1
        assert len(last.changes) <= 2
    assert len(first.rows) < COUNT / 2


async def test_a_key_that_is_forgotten_after_the_end_ends_the_export(
    store: Store,
) -> None:
    page, _ = await store.to_the_end()
    store.tarantool.console("kv.admin.forget_history('k07')")
    assert (await store.page(page.position)).revision is None


async def test_a_key_that_is_forgotten_before_the_end_is_exported(
    store: Store,
) -> None:
    """Half of a batch is exported, and a key before that half is forgotten."""
    first = await store.page(None, 5 * PAGE)
    assert first.position is not None
    state: dict[str, Any] = {}
    apply(state, first)
    exported = list(state)
    revision = await store.write([*exported, "z"], "changed")
    await store.write(exported[:1], "changed again")
    page = await store.page(first.position)
    assert page.position["skip"] > 0
    apply(state, page)
    store.tarantool.console(f"kv.admin.forget_history('{exported[0]}')")
    while page.position is not None:
        page = await store.page(page.position)
        apply(state, page)
    assert state[exported[0]][0] == '"changed again"'
    for key in exported[1:]:
        assert state[key][:2] == ('"changed"', revision)


async def test_a_change_of_an_earlier_version_after_the_end_ends_the_export(
    store: Store,
) -> None:
    page, _ = await store.to_the_end()
    await store.write(names("k", COUNT), "later")
    store.tarantool.console(
        "for _, row in box.space.kv_changes:pairs() do box.space.kv_changes:replace("
        "{row.revision, row.keys, row.values}) end"
    )
    while page.revision is not None:
        assert page.position is not None, "the export is complete"
        page = await store.page(page.position)


async def test_a_store_behind_the_position_refuses_the_page(store: Store) -> None:
    page = await store.page(None)
    ahead = page.position | {"since": page.position["since"] + 1}
    with pytest.raises(TarantoolDatabaseError, match="ahead of the store"):
        await store.page(ahead)
