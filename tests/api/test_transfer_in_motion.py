"""An export that is made while others write, imported into another store in each mode.

The other store must then equal the source at the revision that the export names: values
byte for byte, and the times of expiry. KV_TRANSFER_KEYS is the number of keys.
"""

import os
import random
import time
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.support.client import Client
from tests.support.imports import Outcome, imported, ndjson
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools
from tests.support.transfers import Entry, Exported, exported, exported_bytes
from tests.support.writers import Truth, Writers, changes_after, without_expiry

KEYS = int(os.environ.get("KV_TRANSFER_KEYS", "20000"))

HOUR = 3600.0

#: Some keys expire while the writers write, the others after the test.
LIFETIMES = (None, None, 0.05, 0.3, 24 * HOUR)

PREFIX = "moving"

#: KV_MEMTX_MEMORY: of the keys, of their changes, and of everything else.
MEMORY = str((256 << 20) + KEYS * 2500)

#: Values that a re-encoding would change.
VALUES = ('{"b" : 1.0,\t"a":[]}', '"\\u00e9é"', "null", "1e400", "12345678901234567890")


class Moved(NamedTuple):
    """An export that was made while others wrote.

    :ivar sent: the export, byte for byte
    :ivar truth: the states of the source, from its change log
    :ivar later: the source when the writers had stopped
    """

    sent: bytes
    export: Exported
    truth: Truth
    later: dict[str, Entry]


def lines(now: float) -> Iterator[bytes]:
    chance = random.Random(1)
    for number in range(0, 2 * KEYS, 2):  # those between them are missing
        line = f'{{"key":"{PREFIX}-{number:03}","value":{chance.choice(VALUES)}'
        if number % 10 == 0:
            line += f',"expires_at":{now + 24 * HOUR + number:.3f}'
        yield f"{line}}}\n".encode()


@pytest.fixture(scope="module", params=["fsync", "write"])
async def moved(
    request: pytest.FixtureRequest, serve: Serve, tarantools: Tarantools
) -> Moved:
    with tarantools.running(
        KV_WAL_MODE=request.param, KV_MEMTX_MEMORY=MEMORY
    ) as source:
        async with serve(source) as client:
            await client.enter()
            await imported(client, b"".join(lines(time.time())))
            begin = (await exported(client, PREFIX)).check()
            writers = Writers(client, PREFIX, 2 * KEYS, LIFETIMES)
            writers.start(3)
            sent = await exported_bytes(client, PREFIX)
            await writers.stop()
            changes = await changes_after(client, begin.last["revision"], PREFIX)
            later = (await exported(client, PREFIX)).check().state()
    truth = Truth(without_expiry(begin.state()), changes)
    return Moved(sent, Exported(sent).check(), truth, later)


@pytest.fixture
def other(tarantools: Tarantools) -> Iterator[Tarantool]:
    with tarantools.running(KV_WAL_MODE="write", KV_MEMTX_MEMORY=MEMORY) as tarantool:
        yield tarantool


async def test_the_export_is_the_source_at_its_revision(moved: Moved) -> None:
    state, end = moved.export.state(), moved.export.last["revision"]
    assert without_expiry(state) == moved.truth.at(end)
    assert moved.export.header["revision"] < end
    assert moved.export.last["changes"] > 0
    assert moved.export.deletions > 0
    unchanged = [
        key
        for key, entry in state.items()
        if key in moved.later and moved.later[key].revision == entry.revision
    ]
    assert len(unchanged) > len(state) / 2
    for key in unchanged:
        assert state[key] == moved.later[key]
    assert any(state[key].expires_at is not None for key in unchanged)


async def test_without_its_changes_the_export_is_another_state(moved: Moved) -> None:
    """The control: the writers were busy with keys that were already exported."""
    state = without_expiry(moved.export.state(with_changes=False))
    assert state != moved.truth.at(moved.export.last["revision"])


@pytest.mark.parametrize("mode", ["create", "skip", "overwrite"])
async def test_an_import_makes_the_other_store_equal(
    serve: Serve, other: Tarantool, moved: Moved, mode: str
) -> None:
    wanted = lasting(moved.export.state())
    async with serve(other) as client:
        await client.enter()
        if mode == "overwrite":  # what is there counts for nothing
            await imported(client, ndjson(others(list(wanted)[::3])))
        since = (await cut_off(client, moved.sent, mode)).last["since"]
        outcome = await imported(client, moved.sent, f"?mode={mode}&since={since}")
        assert outcome.status == 200
        assert outcome.last.get("end") is True, outcome.last
        found = lasting((await exported(client, PREFIX)).check().state())
    assert found == wanted


def lasting(state: dict[str, Entry]) -> dict[str, tuple[str, float | None]]:
    """The values and times of expiry of the keys that do not expire meanwhile."""
    soon = time.time() + HOUR
    return {
        key: (entry.value, entry.expires_at)
        for key, entry in state.items()
        if entry.expires_at is None or entry.expires_at > soon
    }


def others(keys: list[str]) -> Iterator[dict[str, object]]:
    for key in keys:
        yield {"key": key, "value": "another"}


async def cut_off(client: Client, sent: bytes, mode: str) -> Outcome:
    """An attempt that ends in the middle, as where a connection is lost."""
    outcome = await imported(client, sent[: len(sent) // 2], f"?mode={mode}")
    assert not outcome.last.get("end")
    return outcome
