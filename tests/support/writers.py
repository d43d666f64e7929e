"""Clients that write at random, and the states of the store by its change log."""

import asyncio
import random
from collections.abc import Sequence
from typing import Any, NamedTuple

import msgspec

from tests.support.client import Client
from tests.support.sse import query
from tests.support.transfers import Entry

#: Keys of a write at most.
MAX_BATCH = 30

#: Some expire at once, some while the writers write.
LIFETIMES = (None, None, 0.05, 0.3, 100)


class Written(NamedTuple):
    """What the store had of a key when a writer had written it."""

    value: str | None
    expires: bool


class Writers:
    """Clients that write at random, until they are stopped.

    :param keys: that they write
    :param lifetimes: of the keys of a write, in seconds; None: they do not expire
    :ivar acknowledged: what was written, by revision and key
    """

    def __init__(
        self,
        client: Client,
        prefix: str,
        keys: int,
        lifetimes: Sequence[float | None] = LIFETIMES,
    ) -> None:
        self._keys = keys
        self._lifetimes = lifetimes
        self.acknowledged: dict[int, dict[str, Written]] = {}
        self._client = client
        self._prefix = prefix
        self._tasks: list[asyncio.Task[None]] = []

    def start(self, count: int) -> None:
        for seed in range(count):
            self._tasks.append(asyncio.create_task(self._write(random.Random(seed))))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        ends = await asyncio.gather(*self._tasks, return_exceptions=True)
        assert {type(end) for end in ends} == {asyncio.CancelledError}

    async def _write(self, chance: random.Random) -> None:
        while True:
            keys = {
                self.key(chance.randrange(self._keys))
                for _ in range(chance.choice([1, 2, MAX_BATCH]))
            }
            # a request that a cancellation meets would be written unknown to the test
            await asyncio.shield(self._write_once(chance, sorted(keys)))

    async def _write_once(self, chance: random.Random, keys: list[str]) -> None:
        """Deletes some of the keys or all, and writes the others, in one call."""
        ttl = chance.choice(self._lifetimes)
        deleted = keys[: chance.choice([0, 0, 0, 1, len(keys) // 2, len(keys)])]
        value = f"{chance.random()}" * chance.randrange(1, 9)
        data = dict.fromkeys(keys[len(deleted) :], value)
        fields = {"data": data, "ttl": ttl, "delete": deleted}
        body = {name: given for name, given in fields.items() if given}
        reply = await self._client.post("/api/write", body)
        assert reply.status == 200, reply.text
        self.acknowledged.setdefault(reply.revision, {}).update(
            dict.fromkeys(deleted, Written(None, False))
            | dict.fromkeys(data, Written(f'"{value}"', ttl is not None))
        )

    def key(self, number: int) -> str:
        return f"{self._prefix}-{number:03}"


class Truth:
    """The state of the store at each revision, from the change log."""

    def __init__(self, begin: dict[str, Entry], changes: list[dict[str, Any]]) -> None:
        self._begin = begin
        self._changes = changes

    def at(self, revision: int) -> dict[str, Entry]:
        """Without the times of expiry."""
        state = dict(self._begin)
        for change in self._changes:
            if change["revision"] > revision:
                break
            for key, value in change["data"].items():
                state[key] = Entry(value, change["revision"])
            for key in change["deleted"]:
                state.pop(key, None)
        return dict(sorted(state.items()))


class _Change(msgspec.Struct):
    revision: int
    data: dict[str, msgspec.Raw]
    deleted: list[str]


class _Changes(msgspec.Struct):
    changes: list[_Change]
    revision: int


async def changes_after(
    client: Client, since: int, prefix: str
) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while True:
        reply = await client.request("GET", query(since=since, prefix=prefix))
        page = msgspec.json.decode(reply.text, type=_Changes)
        if page.revision == since:
            return found
        since = page.revision
        for change in page.changes:
            data = {key: bytes(value).decode() for key, value in change.data.items()}
            found.append(
                {"revision": change.revision, "data": data, "deleted": change.deleted}
            )


def without_expiry(state: dict[str, Entry]) -> dict[str, Entry]:
    return {key: Entry(entry.value, entry.revision) for key, entry in state.items()}
