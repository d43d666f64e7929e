"""Lists of one level: its keys, and the prefixes of deeper levels.

Random stores are listed page by page and compared with a model, by accounts with few
rights, with expired keys that are not collected yet, and with bounds so small that the
pages of small stores reach them.
"""

import asyncio
import itertools
from collections.abc import AsyncIterator, Collection, Iterator
from random import Random
from typing import Any, NamedTuple

import pytest

from tests.support.client import Client, account_of, unique
from tests.support.collector import expired_rows, stop_collector
from tests.support.console import set_grants
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools, evaluated

HOUR = 3600

#: Keys below a prefix that are counted.
MAX_COUNT = 1000

#: Rows that a page reads and does not return.
MAX_SKIPPED = 10_000

#: What the rows of a page take at most: its limit.
MAX_LIMIT = 10_000

MANY = 200_000

#: Keys of one write.
BATCH = 5_000

MIB = 1024 * 1024

#: Of several characters, of several bytes, and some that overlap with themselves.
DELIMITERS = ["/", "::", "aa", "aba", "é", "😀/", "\0", "\U0010ffff", " "]

SEEDS = range(24)


#: Counts the rows that are examined, in the global `steps`.
COUNT_STEPS = """
local rows = require('kv.data.rows')
local is_live = rows.is_live
rawset(_G, 'steps', 0)
rows.is_live = function(...)
    steps = steps + 1
    return is_live(...)
end
"""
STEPS = """
(function()
    local made = steps
    steps = 0
    return made
end)()
"""


class Bounds(NamedTuple):
    """Those of `kv.data.levels` and `kv.data.listing`.

    :ivar ahead: keys that are counted one by one before the store looks ahead
    """

    counted: int
    skipped: int
    ahead: int


WHOLE = Bounds(MAX_COUNT, MAX_SKIPPED, 64)
BOUNDS = [
    WHOLE,
    Bounds(3, 10_000, 2),
    Bounds(30, 10_000, 1),
    Bounds(1, 5, 1_000),
    Bounds(50, 1, 1_000),
]

SET_BOUNDS = """
local levels, listing = require('kv.data.levels'), require('kv.data.listing')
levels.MAX_COUNT, listing.MAX_SKIPPED, levels.LOOK_AHEAD_AFTER = {0}, {1}, {2}
"""


class Entry(NamedTuple):
    """A key, or a prefix.

    :ivar keys: their number with the prefix; None: it is a key
    :ivar rows: of the store with the prefix, expired ones too
    """

    text: str
    keys: int | None = None
    rows: int = 0


class Tree(NamedTuple):
    """Keys of a store, and what an account may read."""

    live: Collection[str]
    expired: Collection[str]
    granted: list[str]


def order(text: str) -> bytes:
    return text.encode()


class Model:
    """Lists of one level, as simple as possible."""

    def __init__(self, tree: Tree) -> None:
        self.tree = tree

    def child(self, key: str, prefix: str, delimiter: str) -> str | None:
        """The prefix of a deeper level; None: the key is of this level."""
        found = key.find(delimiter, len(prefix))
        return None if found < 0 else key[: found + len(delimiter)]

    def is_readable(self, key: str) -> bool:
        return any(key.startswith(prefix) for prefix in self.tree.granted)

    def entries(self, prefix: str, delimiter: str, after: str) -> list[Entry]:
        skipped = None
        if after.startswith(prefix):
            skipped = self.child(after, prefix, delimiter)
        found: list[Entry] = []
        for key in sorted({*self.tree.live, *self.tree.expired}, key=order):
            if not key.startswith(prefix) or not self.is_readable(key):
                continue
            if order(key) <= order(after):
                continue
            child = self.child(key, prefix, delimiter)
            if child is None:
                found += [Entry(key)] if key in self.tree.live else []
            elif child != after or skipped != after:
                self.count(found, child, key)
        return [entry for entry in found if entry.keys != 0]

    def count(self, found: list[Entry], child: str, key: str) -> None:
        entry = Entry(child, 0, 0)
        if found and found[-1].text == child and found[-1].keys is not None:
            entry = found.pop()
        assert entry.keys is not None
        live = entry.keys + (key in self.tree.live)
        found.append(Entry(child, live, entry.rows + 1))


class CountsExpired(Model):
    def count(self, found: list[Entry], child: str, key: str) -> None:
        everything = {*self.tree.live, *self.tree.expired}
        Model(self.tree._replace(live=everything)).count(found, child, key)


class SplitsAtTheLast(Model):
    def child(self, key: str, prefix: str, delimiter: str) -> str | None:
        found = key.rfind(delimiter, len(prefix))
        return None if found < 0 else key[: found + len(delimiter)]


class ReadsEverything(Model):
    def is_readable(self, key: str) -> bool:
        return True


class RepeatsAPrefix(Model):
    """Lists a prefix once for each grant."""

    def entries(self, prefix: str, delimiter: str, after: str) -> list[Entry]:
        parts = (
            Model(self.tree._replace(granted=[granted])).entries(
                prefix, delimiter, after
            )
            for granted in self.tree.granted
        )
        return list(itertools.chain(*parts))


class CountsBeforeTheCursor(Model):
    """Counts keys that come before the cursor, too."""

    def entries(self, prefix: str, delimiter: str, after: str) -> list[Entry]:
        counts = {entry.text: entry for entry in super().entries(prefix, delimiter, "")}
        return [
            counts[entry.text] for entry in super().entries(prefix, delimiter, after)
        ]


class EndsAfterItsPrefix(Model):
    """Does not skip the rest of a prefix that it has returned."""

    def child(self, key: str, prefix: str, delimiter: str) -> str | None:
        found = super().child(key, prefix, delimiter)
        return None if found == key else found


FAULTS = [
    CountsExpired,
    SplitsAtTheLast,
    ReadsEverything,
    RepeatsAPrefix,
    CountsBeforeTheCursor,
    EndsAfterItsPrefix,
]


class Store:
    """A service on a store of its own, whose expired keys stay."""

    def __init__(self, tarantool: Tarantool, owner: Client, reader: Client) -> None:
        self.owner, self.reader = owner, reader
        self._tarantool = tarantool

    def bound(self, bounds: Bounds) -> None:
        self._tarantool.console(SET_BOUNDS.format(*bounds))

    async def plant(self, tree: Tree) -> None:
        live = sorted(tree.live)
        data = {key: [key] * index for index, key in enumerate(live)}
        expiring = {key: data[key] for key in live[::3]}
        await self.write({key: data[key] for key in live if key not in expiring})
        await self.write(expiring, ttl=HOUR)
        await self.write(dict.fromkeys(tree.expired, 0), ttl=0.001)
        await asyncio.sleep(0.02)
        assert expired_rows(self._tarantool) == set(tree.expired)
        grants = [(prefix, "r") for prefix in tree.granted]
        set_grants(self._tarantool, account_of(self.reader), *grants)

    async def write(self, data: dict[str, Any], **fields: Any) -> None:
        if data:
            reply = await self.owner.write(data, **fields)
            assert reply.status == 200, reply.text

    def steps(self) -> int:
        """The number of examined rows since the last call."""
        return int(evaluated(self._tarantool, STEPS))

    async def clear(self, tree: Tree) -> None:
        keys = [*tree.live, *tree.expired]
        await self.write(dict.fromkeys(keys, 0))
        assert (await self.owner.delete(keys)).json["deleted"] == len(keys)


@pytest.fixture(scope="module")
async def store(tarantools: Tarantools, serve: Serve) -> AsyncIterator[Store]:
    with tarantools.running(KV_MEMTX_MEMORY=str(512 * MIB)) as tarantool:
        async with serve(tarantool) as owner:
            await owner.enter()
            reader = await Client(owner.session, owner.url).enter()
            stop_collector(tarantool)
            yield Store(tarantool, owner, reader)


@pytest.fixture(autouse=True)
def restored_bounds(store: Store) -> Iterator[None]:
    yield
    store.bound(WHOLE)


def random_text(random: Random, delimiter: str, most: int) -> str:
    pieces = [delimiter] * 3 + [delimiter[:1], delimiter[-1:], "a", "b", "é", "ж", "\0"]
    return "".join(random.choices(pieces, k=random.randint(0, most)))


def random_tree(random: Random, delimiter: str, *, expires: bool) -> Tree:
    texts = {random_text(random, delimiter, 6) for _ in range(random.randint(1, 60))}
    keys = sorted(texts - {""}) or ["a"]
    random.shuffle(keys)
    expired = keys[: random.randint(0, len(keys) - 1)] if expires else []
    live = keys[len(expired) :]
    granted = [random_text(random, delimiter, 3) for _ in range(random.randint(1, 5))]
    if random.random() < 0.3:
        granted.append("")
    return Tree(live, expired, [*granted, random.choice(live)])


def agrees(count: int | None, entry: Entry, bounds: Bounds) -> bool:
    """Whether the store may return this number of keys for a prefix."""
    assert entry.keys is not None
    if entry.keys > bounds.counted:
        return count is None
    return count == entry.keys or (count is None and entry.rows >= bounds.skipped)


async def compare(
    store: Store,
    model: Model,
    bounds: Bounds,
    prefix: str,
    after: str | None,
    delimiter: str,
    limit: int,
    **options: bool,
) -> None:
    """Lists a level page by page, and compares it with the model."""
    expected = model.entries(prefix, delimiter, after or "")
    found: list[tuple[str, int | None, bool]] = []

    def position(cursor: str) -> bytes:
        """A prefix as a cursor is behind all that begins with it."""
        is_prefix = cursor.startswith(prefix) and cursor == model.child(
            cursor, prefix, delimiter
        )
        return order(cursor) + b"\xff" * is_prefix

    cursor = after
    while True:
        reply = await store.reader.list_keys(
            prefix, after=cursor, delimiter=delimiter, limit=limit, **options
        )
        assert reply.status == 200, reply.text
        page = entries_of(reply.json, with_values=options.get("values", False))
        assert len(page) <= limit
        found += page
        following = reply.json["next"]
        if following is None:
            break
        assert position(following) > position(cursor or "")
        is_bounded = model.tree.expired or bounds is not WHOLE
        assert is_bounded or (len(page), following) == (limit, page[-1][0])
        cursor = following
    assert [text for text, *_ in found] == [entry.text for entry in expected]
    for (text, count, is_prefix), entry in zip(found, expected, strict=True):
        assert is_prefix == (entry.keys is not None), text
        assert not is_prefix or agrees(count, entry, bounds), (text, count, entry)


def entries_of(page: Any, *, with_values: bool) -> list[tuple[str, int | None, bool]]:
    """The keys and the prefixes of a page, in one sequence."""
    keys = list(page["data" if with_values else "keys"])
    assert "details" not in page or list(page["details"]) == keys
    prefixes = [(level["prefix"], level["keys"], True) for level in page["prefixes"]]
    for texts in (keys, [text for text, *_ in prefixes]):
        assert texts == sorted(set(texts), key=order)
    entries = [(key, None, False) for key in keys]
    return sorted([*entries, *prefixes], key=lambda entry: order(entry[0]))


def cursors(random: Random, tree: Tree, prefix: str, delimiter: str) -> list[str]:
    """Keys, prefixes of the level, and others."""
    keys = [*tree.live, *tree.expired]
    children = [Model(tree).child(key, prefix, delimiter) for key in keys]
    texts = [*keys, *(child for child in children if child)]
    made = [random_text(random, delimiter, 4) for _ in range(3)]
    return [*random.choices(texts, k=4), *made]


async def compare_random(
    store: Store, seed: int, bounds: Bounds, kind: type[Model] = Model
) -> None:
    random = Random(seed)
    delimiter = random.choice(DELIMITERS)
    tree = random_tree(random, delimiter, expires=seed % 3 != 0)
    store.bound(bounds)
    await store.plant(tree)
    try:
        for _ in range(4):
            granted = random.choice(tree.granted)
            prefix = granted[: random.randint(0, len(granted))]
            for after in [None, *cursors(random, tree, prefix, delimiter)]:
                await compare(
                    store,
                    kind(tree),
                    bounds,
                    prefix,
                    after,
                    delimiter,
                    random.choice([1, 1, 2, 3, 10, 100]),
                    values=random.random() < 0.3,
                    details=random.random() < 0.3,
                    stale=random.random() < 0.2,
                )
    finally:
        await store.clear(tree)


@pytest.mark.parametrize("bounds", BOUNDS, ids=map(str, BOUNDS))
@pytest.mark.parametrize("seed", SEEDS)
async def test_a_level_is_what_the_model_says(
    store: Store, seed: int, bounds: Bounds
) -> None:
    await compare_random(store, seed, bounds)


@pytest.mark.parametrize("kind", FAULTS)
async def test_every_fault_of_a_model_is_noticed(
    store: Store, kind: type[Model]
) -> None:
    """The control of the test above."""

    async def compare_all() -> None:
        for seed in SEEDS:
            await compare_random(store, seed, WHOLE, kind)

    with pytest.raises(AssertionError):
        await compare_all()


async def level(client: Client, prefix: str, **fields: Any) -> Any:
    """A page of a level, with the delimiter `/` unless another one is given."""
    reply = await client.list_keys(prefix, **{"delimiter": "/"} | fields)
    assert reply.status == 200, reply.text
    return reply.json


def counted(page: Any) -> dict[str, int | None]:
    """The prefixes of a page, with their numbers of keys."""
    return {entry["prefix"]: entry["keys"] for entry in page["prefixes"]}


async def test_a_level_has_keys_and_prefixes(client: Client) -> None:
    area = unique("area") + "/"
    names = ["a", "a/", "a/1", "a/b/2", "b/1", "c"]
    await client.write({area + name: index for index, name in enumerate(names)})
    reply = await client.list_keys(area, delimiter="/")
    assert reply.text == (
        f'{{"keys":["{area}a","{area}c"],"prefixes":[{{"prefix":"{area}a/","keys":3}},'
        f'{{"prefix":"{area}b/","keys":1}}],"next":null}}'
    )
    page = await level(client, area, values=True)
    assert list(page) == ["data", "prefixes", "next"]
    assert page["data"] == {f"{area}a": 0, f"{area}c": 5}
    page = await level(client, area + "a/")
    assert page["keys"] == [f"{area}a/", f"{area}a/1"]
    assert counted(page) == {f"{area}a/b/": 1}


async def test_a_level_of_nothing_is_empty(client: Client) -> None:
    page = await level(client, unique("none"))
    assert page == {"keys": [], "prefixes": [], "next": None}


@pytest.mark.parametrize("delimiter", [None, "\U0010ffff" * 256])
async def test_a_delimiter_that_is_in_no_key_changes_nothing(
    client: Client, delimiter: str | None
) -> None:
    area = unique("area")
    keys = [f"{area}/a", f"{area}/b"]
    await client.write(dict.fromkeys(keys, 0))
    page = await level(client, area, delimiter=delimiter)
    assert page.pop("prefixes", []) == []
    assert page == {"keys": keys, "next": None}


async def test_keys_and_prefixes_share_the_limit_and_the_cursor(client: Client) -> None:
    area = unique("area") + "/"
    names = ["a", "b/1", "b/2", "c", "d/1", "e"]
    await client.write(dict.fromkeys([area + name for name in names], 0))
    pages = [page async for page in client.pages(area, delimiter="/", limit=2)]
    keys = [[key.removeprefix(area) for key in page["keys"]] for page in pages]
    assert keys == [["a"], ["c"], ["e"]]
    assert [list(counted(page).values()) for page in pages] == [[2], [1], []]
    assert [page["next"] for page in pages] == [f"{area}b/", f"{area}d/", None]


async def test_a_cursor_in_a_prefix_resumes_there(client: Client) -> None:
    area = unique("area") + "/"
    await client.write({f"{area}b/{number}": 0 for number in range(10)})
    await client.write({f"{area}c": 0})
    page = await level(client, area, after=f"{area}b/6")
    assert (page["keys"], counted(page)) == ([f"{area}c"], {f"{area}b/": 3})
    page = await level(client, area, after=f"{area}b/6", limit=1)
    assert (counted(page), page["next"]) == ({f"{area}b/": 3}, f"{area}b/")
    page = await level(client, area, after=page["next"])
    assert page == {"keys": [f"{area}c"], "prefixes": [], "next": None}
    page = await level(client, area, after=f"{area}b/9")
    assert page == {"keys": [f"{area}c"], "prefixes": [], "next": None}


@pytest.mark.parametrize("expires", [False, True])
@pytest.mark.parametrize(("more", "keys"), [(-1, 999), (0, 1000), (1, None)])
async def test_a_count_is_exact_up_to_1_000_keys(
    store: Store, expires: bool, more: int, keys: int | None
) -> None:
    names = [f"f/{number:04}" for number in range(MAX_COUNT + more)]
    tree = Tree([*names, "g"], ["f/", "f/05"] if expires else [], [""])
    await store.plant(tree._replace(live=["g"]))
    await store.write(dict.fromkeys(names, 0))
    page = await level(store.reader, "")
    assert (page["keys"], counted(page)) == (["g"], {"f/": keys})
    await store.clear(tree)


@pytest.mark.parametrize("expires", [False, True])
@pytest.mark.parametrize(("more", "keys"), [(0, 1000), (1, None)])
async def test_only_readable_keys_are_counted(
    store: Store, expires: bool, more: int, keys: int | None
) -> None:
    """In a prefix that has many others, and is that of several grants."""
    first = [f"f/a/{number:04}" for number in range(600)]
    second = [f"f/c/{number:04}" for number in range(400 + more)]
    others = [f"f/b/{number:04}" for number in range(1500)]
    tree = Tree(
        [*first, *second, *others], ["f/a/"] if expires else [], ["f/c", "f/a/", "h"]
    )
    await store.plant(tree._replace(live=[]))
    await store.write(dict.fromkeys(tree.live, 0))
    page = await level(store.reader, "")
    assert page == {
        "keys": [],
        "prefixes": [{"prefix": "f/", "keys": keys}],
        "next": None,
    }
    await store.clear(tree)


# The work of a page


@pytest.fixture
async def counting(tarantools: Tarantools, serve: Serve) -> AsyncIterator[Store]:
    """A store that counts the rows that it examines."""
    with tarantools.running(KV_MEMTX_MEMORY=str(512 * MIB)) as tarantool:
        async with serve(tarantool) as owner:
            await owner.enter()
            stop_collector(tarantool)
            tarantool.console(COUNT_STEPS)
            yield Store(tarantool, owner, owner)


async def write_many(store: Store, keys: list[str], **fields: Any) -> None:
    for begin in range(0, len(keys), BATCH):
        await store.write(dict.fromkeys(keys[begin : begin + BATCH], 0), **fields)


async def pages_of(store: Store, prefix: str, **fields: Any) -> list[tuple[Any, int]]:
    """The pages of a level, each with the number of examined rows."""
    store.steps()
    pages = store.owner.pages(prefix, **{"delimiter": "/"} | fields)
    return [(page, store.steps()) async for page in pages]


async def test_a_large_prefix_is_skipped(counting: Store) -> None:
    area = unique("area") + "/"
    await write_many(counting, [f"{area}a/{number:06}" for number in range(MANY)])
    await counting.write({f"{area}b": 0})
    ((page, steps),) = await pages_of(counting, area)
    expected = {
        "keys": [f"{area}b"],
        "prefixes": [{"prefix": f"{area}a/", "keys": None}],
    }
    assert page == expected | {"next": None}
    assert 0 < steps < MAX_COUNT
    # the control: without a delimiter
    (_, steps), *_ = await pages_of(counting, area, delimiter=None, limit=MAX_LIMIT)
    assert steps > MAX_LIMIT

    # an expired key anywhere makes it count one by one
    await counting.write({"z": 0}, ttl=0.001)
    await asyncio.sleep(0.02)
    ((page, steps),) = await pages_of(counting, area)
    assert page == expected | {"next": None}
    assert MAX_COUNT < steps < 2 * MAX_COUNT


@pytest.mark.parametrize("expires", [False, True])
async def test_a_page_of_many_prefixes_is_bounded(
    counting: Store, expires: bool
) -> None:
    """Their keys are counted one by one only if some key of the store has expired."""
    area = unique("area") + "/"
    prefixes = [f"{area}{number:02}/" for number in range(25)]
    keys = [prefix + str(key) for prefix in prefixes for key in range(MAX_COUNT)]
    await write_many(counting, keys)
    if expires:
        await counting.write({"z": 0}, ttl=0.001)
        await asyncio.sleep(0.02)
    pages = await pages_of(counting, area)
    assert (2 < len(pages) < 5) if expires else (len(pages) == 1)
    assert expires or pages[0][1] < 3_000
    assert max(steps for _, steps in pages) <= MAX_SKIPPED
    found = [counted(page) for page, _ in pages]
    assert {name: n for part in found for name, n in part.items()} == dict.fromkeys(
        prefixes, MAX_COUNT
    )
    assert sum(map(len, found)) == len(prefixes)


@pytest.mark.parametrize("live", ["first", "middle", "none"])
async def test_a_page_of_expired_keys_is_bounded(counting: Store, live: str) -> None:
    """The number of the keys of a prefix is not known if most have expired."""
    area = f"e-{live}/"
    expired = [f"{area}e/{number:06}" for number in range(25_000)]
    kept = {"first": [f"{area}e/"], "middle": [f"{area}e/012000-"], "none": []}[live]
    await write_many(counting, expired, ttl=0.001)
    await write_many(counting, [*kept, f"{area}f"])
    await asyncio.sleep(0.02)
    pages = await pages_of(counting, area)
    assert 1 < len(pages) < 5
    assert max(steps for _, steps in pages) <= MAX_SKIPPED + 1
    prefixes = [entry for page, _ in pages for entry in counted(page).items()]
    assert prefixes == ([(f"{area}e/", None)] if kept else [])
    assert [key for page, _ in pages for key in page["keys"]] == [f"{area}f"]
