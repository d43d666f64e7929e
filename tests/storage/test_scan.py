"""A scan of the whole store, page by page, while others write."""

import asyncio
import itertools
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence

import pytest

from tests.support.client import Client, unique
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools, evaluated

COUNT = 200_000
BATCH = 10_000  # keys: what a call takes at most
PAGE = 1_000
WRITERS = 4

#: Keys of one write of theirs.
SOME = 100

MIB = 1024 * 1024

Pages = Callable[[str], AsyncIterator[list[str]]]
Change = Callable[[Client, str], Awaitable[None]]


def is_faultless(found: Sequence[str], expected: Sequence[str]) -> bool:
    """Whether the keys are in order, and the expected ones among them each once."""
    in_order = all(one < other for one, other in itertools.pairwise(found))
    wanted = set(expected)
    return in_order and [key for key in found if key in wanted] == expected


def test_every_fault_of_a_scan_is_noticed() -> None:
    """The control of the tests here."""
    expected = ["b", "d", "f"]
    assert is_faultless(["b", "d", "f"], expected)
    assert is_faultless(["a", "b", "c", "d", "f", "g"], expected)
    for found in ("bf", "bddf", "bdbf", "bdfb", "dbf", "bd", "bccdf", "bdfc", ""):
        assert not is_faultless(list(found), expected), found


@pytest.fixture
def large(tarantools: Tarantools) -> Iterator[Tarantool]:
    with tarantools.running(KV_MEMTX_MEMORY=str(512 * MIB)) as instance:
        yield instance


async def test_a_scan_of_many_keys_has_each_that_was_there_all_along_once(
    large: Tarantool, serve: Serve
) -> None:
    expected = [f"{number:07}" for number in range(COUNT)]
    rounds = 0
    scanned = asyncio.Event()

    async def disturb(chance: random.Random) -> None:
        """Keys of its own, each right behind a stable one, come, change and go."""
        nonlocal rounds
        there: list[str] = []
        while not scanned.is_set():
            new = [f"{chance.choice(expected)}-{unique('')}" for _ in range(SOME)]
            assert (await client.write(dict.fromkeys(new, 0))).status == 200
            there += new
            chance.shuffle(there)
            some = dict.fromkeys(there[:SOME], 1)
            assert (await client.write(some)).status == 200
            gone, there = there[: SOME // 2], there[SOME // 2 :]
            assert (await client.delete(gone)).json["deleted"] == len(gone)
            rounds += 1

    async def scan() -> list[str]:
        try:
            pages = client.pages("", limit=PAGE)
            return [key async for page in pages for key in page["keys"]]
        finally:
            scanned.set()

    async with serve(large) as client:
        await client.enter()
        for begin in range(0, COUNT, BATCH):
            batch = dict.fromkeys(expected[begin : begin + BATCH], 0)
            assert (await client.write(batch)).status == 200
        async with asyncio.TaskGroup() as group:
            scanning = group.create_task(scan())
            for seed in range(WRITERS):
                group.create_task(disturb(random.Random(seed)))
    found = scanning.result()
    assert is_faultless(found, expected)
    print(f"{rounds} rounds of changes, {len(found) - COUNT} keys met that came")
    assert rounds > WRITERS
    assert len(found) > COUNT


# The same, step by step


@pytest.fixture
def by_cursor(client: Client) -> Pages:
    async def pages(prefix: str) -> AsyncIterator[list[str]]:
        async for page in client.pages(prefix, limit=2):
            yield page["keys"]

    return pages


@pytest.fixture
def by_offset(tarantool: Tarantool) -> Pages:
    """A scan by offset, as in many other stores."""

    async def pages(prefix: str) -> AsyncIterator[list[str]]:
        for offset in itertools.count(0, 2):
            options = f"{{ iterator = 'GE', offset = {offset}, limit = 2 }}"
            rows = evaluated(tarantool, f"box.space.kv:select('{prefix}', {options})")
            found = [row[0] for row in rows if row[0].startswith(prefix)]
            if not found:
                return
            yield found

    return pages


async def come(client: Client, key: str) -> None:
    await client.write({key: 0})


async def go(client: Client, key: str) -> None:
    await client.delete([key])


async def scanned(client: Client, pages: Pages, change: Change) -> bool:
    """Whether a scan is faultless, with a change before its place after each page."""
    prefix = unique("scan")
    expected = [f"{prefix}-{number}" for number in range(6)]
    before = [f"{prefix}!{number}" for number in range(10)]
    there = before + expected if change is go else expected
    await client.write(dict.fromkeys(there, 0))
    changed = iter(before)
    found: list[str] = []
    async for page in pages(prefix):
        found += page
        await change(client, next(changed))
    return is_faultless(found, expected)


changes = pytest.mark.parametrize("change", [come, go])


@changes
async def test_a_cursor_stays_where_it_is_whatever_comes_and_goes_before_it(
    client: Client, by_cursor: Pages, change: Change
) -> None:
    assert await scanned(client, by_cursor, change)


@changes
async def test_an_offset_repeats_keys_and_misses_some(
    client: Client, by_offset: Pages, change: Change
) -> None:
    """The control."""
    assert not await scanned(client, by_offset, change)
