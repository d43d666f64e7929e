"""A round: a system, its clients, the faults in turn, and the resulting evidence."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator, Mapping
from random import Random
from typing import Generic

import aiohttp

from tests.support.console import set_grants
from tests.torture.evidence import Evidence, Followed, Injected
from tests.torture.history import History, Operation
from tests.torture.run.faults import Fault, S, Scene
from tests.torture.run.followers import Follower, Listener, Poller, feed_now
from tests.torture.run.session import Session
from tests.torture.run.workload import NARROW, NARROWER, TTLS, Client

#: Clients, and seconds between two requests of one of them on average.
CLIENTS, THINK_TIME = 24, 0.08

#: One of this many clients has an account that may use only some of the keys.
NARROW_ONE_OF = 4

#: One of this many clients uses an access token; half of them have grants of their own.
ACCESS_TOKEN_ONE_OF = 3

#: Batches of keys before those of the clients and behind them, keys of a batch, and
#: bytes of their values: an export of everything has two pages. Of large values the
#: memory would be full in another way: the store would give up the change log.
WEIGHTS, BATCH, WEIGHT = "aaaaaqqqqq", 16, 4 * 1024

#: Seconds without a fault, before and after each.
QUIET = 1.0

#: Seconds: a fault that has not ended by then never will; the same of its aftermath.
FAULT_TIMEOUT = 120.0

#: Seconds for the followers of the feed to come to its end.
REACH = 60.0

#: Seconds between two checks whether the service has recovered.
CHECK_INTERVAL = 0.05

#: A key that every account may read: followers receive its write.
EVERYBODYS = next(iter(NARROW))

#: Seconds until the last keys have expired and are collected.
EXPIRY = max(TTLS) + 1.5


class Round(Generic[S]):
    """
    :param system: is started by `run`
    :param reads_stale: of the clients, as in `Session`
    """

    def __init__(
        self,
        system: S,
        random: Random,
        *,
        clients: int = CLIENTS,
        think_time: float = THINK_TIME,
        reads_stale: bool = False,
    ) -> None:
        self._random = random
        self._reads_stale = reads_stale
        self._system = system
        self._clients = clients
        self._think_time = think_time
        self._operations: list[Operation] = []
        self._faults: list[Injected] = []
        self._troubles: list[str] = []
        self._begin = time.monotonic()

    async def run(
        self,
        faults: Mapping[str, Fault[S]],
        *,
        quiet: float = QUIET,
        settle: float = EXPIRY,
        until: float = math.inf,
    ) -> Evidence:
        """Makes the faults in an order of the random generator's choice.

        :param settle: seconds after the last write
        :param until: in monotonic seconds: no fault but the first one begins later
        """
        connector = aiohttp.TCPConnector(limit=0)
        async with (
            self._system.running(),
            aiohttp.ClientSession(connector=connector) as http,
        ):
            self._begin = time.monotonic()
            own, *sessions = [
                self._session(number, http) for number in range(1 + self._clients)
            ]
            await asyncio.gather(*map(self._enter, [own, *sessions]))
            await own.write({EVERYBODYS: '"the begin"'})
            for number, name in enumerate(WEIGHTS):
                keys = [f"{name}{number}-{place}" for place in range(BATCH)]
                await own.write({key: f'"{key:.<{WEIGHT}}"' for key in keys})
            programs = [one for one in sessions if _uses_access_token(one.number)]
            poller = Poller("a long poll", own)
            others = [
                Listener("a stream of events", own),
                Poller("a long poll of a narrow account", sessions[0]),
                Listener("a stream of a narrow account", sessions[0]),
                *(Listener("a stream of a program", one) for one in programs[:1]),
            ]
            async with self._following(poller, *others):
                async with self._working(sessions):
                    await self._torture(own, faults, quiet, until)
                await asyncio.sleep(settle)
                await own.write({EVERYBODYS: '"the end"'})
                final, revision = await own.list_keys("")
                if revision is None:
                    raise RuntimeError("the final state cannot be read")
                await self._reached(revision, poller, *others)
                since, kept = await feed_now(own)
        return Evidence(
            begin=self._begin,
            history=History(
                self._operations,
                poller.changes,
                final,
                self._leader_changes(),
                since,
            ),
            faults=self._faults,
            followed=[
                Followed(one.name, one.session.grants, one.changes) for one in others
            ],
            kept=kept,
            troubles=self._troubles,
        )

    def _leader_changes(self) -> list[tuple[float, float]]:
        """Each fault may cause some: where there are nodes, they are busy."""
        if not self._system.has_followers:
            return []
        return [
            (self._begin + fault.begin, self._begin + fault.recovered)
            for fault in self._faults
        ]

    def _session(self, number: int, http: aiohttp.ClientSession) -> Session:
        is_narrow = number % NARROW_ONE_OF == 1
        session = Session(
            number,
            http,
            self._system.urls,
            self._operations,
            Random(self._random.random()),
            NARROW | {f"t{number}-": "rw"} if is_narrow else None,
        )
        session.reads_stale = self._reads_stale
        return session

    async def _enter(self, session: Session) -> None:
        await session.enter()
        if session.grants is not None:
            granted = session.grants.items()
            await asyncio.to_thread(
                lambda: set_grants(self._system.tarantool, session.username, *granted)
            )
        if _uses_access_token(session.number):
            await session.take_access_token(self._token_grants(session))

    def _token_grants(self, session: Session) -> dict[str, str] | None:
        if self._random.random() < 0.5:
            return None
        return NARROWER | {f"t{session.number}-": "rw"}

    @contextlib.asynccontextmanager
    async def _working(self, sessions: list[Session]) -> AsyncIterator[None]:
        stopping = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            for session in sessions:
                random = Random(self._random.random())
                client = Client(session, random, self._think_time)
                group.create_task(client.run(stopping))
            yield
            stopping.set()

    @contextlib.asynccontextmanager
    async def _following(self, *followers: Follower) -> AsyncIterator[None]:
        tasks = [asyncio.create_task(follower.run()) for follower in followers]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            for ended in await asyncio.gather(*tasks, return_exceptions=True):
                if isinstance(ended, Exception):
                    self._troubles.append(f"a follower has ended: {ended!r}")

    async def _reached(self, revision: int, *followers: Follower) -> None:
        try:
            async with asyncio.timeout(REACH):
                await asyncio.gather(*(one.reach(revision) for one in followers))
        except TimeoutError:
            self._troubles.append(f"a follower did not come to revision {revision}")

    async def _torture(
        self, own: Session, faults: Mapping[str, Fault[S]], quiet: float, until: float
    ) -> None:
        scene = Scene(self._system, own, self._random)
        order = list(faults)
        self._random.shuffle(order)
        await asyncio.sleep(quiet)
        for name in order:
            if self._faults and time.monotonic() > until:
                return
            begin = time.monotonic()
            try:
                async with asyncio.timeout(FAULT_TIMEOUT):
                    end = await faults[name](scene)
            except TimeoutError as why:
                end = time.monotonic()
                reason = str(why) or f"no end within {FAULT_TIMEOUT:g} s"
                self._troubles.append(f"{name}: {reason}")
            await self._recovery(own, name)
            times = [at - self._begin for at in (begin, end, time.monotonic())]
            self._faults.append(Injected(name, *times))
            await asyncio.sleep(quiet)

    async def _recovery(self, own: Session, name: str) -> None:
        """Returns when a write has been taken through every worker."""
        try:
            async with asyncio.timeout(FAULT_TIMEOUT):
                for place, url in enumerate(own.urls):
                    while True:
                        count = len(self._operations)
                        values = {f"p{place}": f'"{name} {count}"'}
                        operation = await own.write(values, url=url)
                        if operation.outcome == "ok":
                            break
                        await asyncio.sleep(CHECK_INTERVAL)
        except TimeoutError:
            self._troubles.append(f"{name}: no recovery within {FAULT_TIMEOUT:g} s")


def _uses_access_token(number: int) -> bool:
    return number % ACCESS_TOKEN_ONE_OF == 2
