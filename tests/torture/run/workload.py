"""The workload: all calls, on few keys, so that clients conflict."""

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from random import Random

from tests.torture.run.past import read_history, read_value_at
from tests.torture.run.session import Session
from tests.torture.run.transfers import export, import_own

#: Written, deleted, written on conditions; and only counted up.
KEYS = [f"k{number}" for number in range(8)]
COUNTERS = [f"n{number}" for number in range(4)]

#: Keys of a request at most.
MOST = 4

#: Seconds until the keys of a client's own expire, and how many of them it has; and
#: how many others it imports.
TTLS = (0.3, 1.0, 2.5)
OWN = 4

#: What some of the clients may touch: a prefix and the rights.
NARROW = {"k0": "rw", "k1": "rw", "k2": "r", "n0": "rw", "n1": "r"}

#: What some of the access tokens may touch: no more than any account.
NARROWER = {"k0": "rw", "k1": "r", "n0": "rw"}

#: How far back a value is read, and how far ahead, in revisions.
BACK, AHEAD = 300, 3

#: How often these request only keys that they may use.
MODEST = 0.7


class Client:
    """:param pause: seconds between two requests, on average"""

    def __init__(self, session: Session, random: Random, pause: float) -> None:
        self._session = session
        self._random = random
        self._pause = pause
        self._numbers = itertools.count()
        self._own = [f"t{session.number}-{number}" for number in range(OWN)]
        self._imported = [f"t{session.number}-i{number}" for number in range(OWN)]
        self._granted = tuple(session.grants or [""])
        self._calls: dict[Callable[[], Awaitable[object]], int] = {
            self._read: 30,
            self._write: 20,
            self._write_on_conditions: 12,
            self._increment: 14,
            self._delete: 8,
            self._list: 4,
            self._write_for_a_while: 4,
            self._read_own: 8,
            self._write_and_delete: 8,
            self._read_history: 4,
            self._read_value_at: 4,
            self._export: 1,
            self._import: 2,
        }

    async def run(self, stopping: asyncio.Event) -> None:
        calls, weights = list(self._calls), list(self._calls.values())
        while not stopping.is_set():
            (call,) = self._random.choices(calls, weights)
            await call()
            await asyncio.sleep(self._random.expovariate(1 / self._pause))

    def _some(self, keys: list[str], most: int = MOST) -> list[str]:
        if self._random.random() < MODEST:
            keys = [key for key in keys if key.startswith(self._granted)]
        most = min(most, len(keys))
        return self._random.sample(keys, self._random.randint(1, most))

    def _values(self, keys: list[str]) -> dict[str, str]:
        """Unique JSON texts: each is written once, by one client."""
        name = f"c{self._session.number}-{next(self._numbers)}"
        return {key: f'"{name}-{place}"' for place, key in enumerate(keys)}

    def _retry(self) -> str | None:
        """An Idempotency-Key, every other time."""
        if self._random.random() < 0.5:
            return None
        return f"r{self._session.number}-{next(self._numbers)}"

    async def _read(self) -> None:
        keys = self._some(KEYS + COUNTERS)
        await self._session.read(keys, revisions=self._random.random() < 0.5)

    async def _write(self) -> None:
        await self._session.write(self._values(self._some(KEYS)), retry=self._retry())

    async def _write_on_conditions(self) -> None:
        """Changes keys on the condition that they are as they were read."""
        keys = self._some(KEYS)
        read = await self._session.read(keys, revisions=True)
        if read.revisions is not None:
            await self._session.write(
                self._values(keys),
                conditions=dict(zip(keys, read.revisions, strict=True)),
                retry=self._retry(),
            )

    async def _increment(self) -> None:
        deltas = {key: self._random.randint(1, 9) for key in self._some(COUNTERS, 2)}
        await self._session.increment(deltas, self._retry())

    async def _delete(self) -> None:
        await self._session.delete(self._some(KEYS, 2), self._retry())

    async def _list(self) -> None:
        limit = self._random.choice([3, 1000])
        await self._session.list_keys(self._random.choice(["k", "n"]), limit)

    async def _write_and_delete(self) -> None:
        """Half of the times on the condition that the keys are as they were read."""
        keys = self._some(KEYS)
        written = keys[: self._random.randint(1, len(keys))]
        conditions = None
        if self._random.random() < 0.5:
            read = await self._session.read(keys, revisions=True)
            if read.revisions is None:
                return
            conditions = dict(zip(keys, read.revisions, strict=True))
        await self._session.write(
            self._values(written),
            delete=keys[len(written) :],
            conditions=conditions,
            retry=self._retry(),
        )

    async def _write_for_a_while(self) -> None:
        """One time to live for all keys, or one for each, and one key deleted."""
        *keys, last = self._random.sample(self._own, 3)
        ttl: float | None = self._random.choice(TTLS)
        ttls: dict[str, float | None] | None = None
        if self._random.random() < 0.5:
            ttl = self._random.choice([None, *TTLS])
            some = keys[: self._random.randint(1, len(keys))]
            ttls = {key: self._random.choice([None, *TTLS]) for key in some}
        await self._session.write(
            self._values(keys),
            ttl=ttl,
            ttls=ttls,
            delete=[last] if self._random.random() < 0.5 else [],
            retry=self._retry(),
        )

    async def _read_own(self) -> None:
        await self._session.read(self._own)

    async def _read_history(self) -> None:
        key = self._random.choice([*self._some(KEYS + COUNTERS), *self._own])
        limit = self._random.choice([2, 10, 100])
        await read_history(self._session, key, limit, self._random.randint(1, 3))

    async def _read_value_at(self) -> None:
        key = self._random.choice([*self._some(KEYS + COUNTERS), *self._own])
        newest = self._session.newest
        if self._random.random() < 0.3:
            revision = newest + self._random.randint(0, AHEAD)
        else:
            revision = self._random.randint(max(0, newest - BACK), newest)
        await read_value_at(self._session, key, revision)

    async def _export(self) -> None:
        own = f"t{self._session.number}-"
        await export(self._session, self._random.choice(["", "k", "n", own]))

    async def _import(self) -> None:
        first, *rest = self._random.sample(self._imported, 3)
        count = self._random.randint(0, len(rest))
        values = self._values([first, *rest[:count]])
        await import_own(self._session, values, rest[count:])
