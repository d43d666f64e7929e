"""A service process under a flood of malformed input, observed from outside.

Every connection carries some requests, in a row or one by one, and perhaps what breaks
it. Each reply is checked; the processes' memory and descriptors are measured.
"""

import asyncio
import contextlib
import re
import time
from collections import Counter, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from urllib.parse import urlsplit

import aiohttp

from service.api.routes import ROUTES
from tests.malformed.wire import End, attack
from tests.support.addresses import coming_from, new_address
from tests.support.client import Client
from tests.support.machine import POLL_INTERVAL
from tests.support.random_requests import Request, Tokens, request
from tests.support.reply_check import check, is_stream, next_reply
from tests.support.service import service_process
from tests.support.tarantool import local_console

CONNECTIONS = 16
ACCOUNTS = 4

#: The most requests of a connection before the malformed one.
MOST = 12
IN_A_ROW_RATE = BROKEN = 0.5

#: Samples of a whole flood.
SAMPLES = 50

MIB = 1024 * 1024

#: The share of a flood after which caches, pools and the change log are full.
WARM_UP = 0.3

#: Bytes that a process may grow by after that: what one body of the largest size takes,
#: which the allocator may have kept as well as given back. Of 100,000 requests that is
#: less than 250 bytes each; a connection or a request that is kept takes thousands.
SLACK = 16 * MIB

#: What a service under a flood is set to: the change log is soon at its limit.
SETTINGS = {"KV_CHANGES_BYTES": str(MIB)}

#: Seconds for all of a connection, on a busy machine.
CONNECTION_TIMEOUT = 20.0

TRACE = re.compile("Traceback| ERROR | CRITICAL ")
PID = "require('tarantool').pid()"

#: Characters of a fault.
SHOWN = 2000

#: The passwords of the example requests, before the example change of it and after.
PASSWORDS = "correct horse", "battery staple"


@dataclass
class Sample:
    """:ivar memory: bytes that each process has in memory, by its name
    :ivar descriptors: open ones of each process
    """

    requests: int
    memory: dict[str, int]
    descriptors: dict[str, int]


@dataclass
class Outcome:
    replies: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    connections: int = 0
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)

    def growth(self, process: str) -> float:
        """Bytes after the warm-up, by least squares."""
        begin = self.requests * WARM_UP
        points = [
            (sample.requests, sample.memory[process])
            for sample in self.samples
            if sample.requests >= begin
        ]
        return slope(points) * (self.requests - begin)

    def complaints(self, log: str) -> list[str]:
        """:param log: of the service"""
        found = list(self.faults)
        for process in self.samples[-1].memory:
            growth = self.growth(process)
            if growth > SLACK:
                found.append(f"{process} has grown by {growth / MIB:.0f} MiB")
            before, after = (self.samples[i].descriptors[process] for i in (0, -1))
            if after > before:
                found.append(f"{process} keeps {after} descriptors, before {before}")
        found += [line for line in log.splitlines() if TRACE.search(line)]
        return found


def slope(points: Sequence[tuple[float, float]]) -> float:
    x_mean = sum(x for x, _ in points) / len(points)
    y_mean = sum(y for _, y in points) / len(points)
    return sum((x - x_mean) * (y - y_mean) for x, y in points) / sum(
        (x - x_mean) ** 2 for x, _ in points
    )


async def flooded(folder: Path, requests: int, seed: int) -> tuple[Outcome, list[str]]:
    """A flood on a service with a Tarantool of its own, and what is wrong with it."""
    with service_process(folder, **SETTINGS) as service:
        tarantool = int(local_console(service.data, PID).split()[2])
        processes = {"service": service.pid, "tarantool": tarantool}
        outcome = await Flood(service.url, requests, seed, processes).run()
        return outcome, outcome.complaints(service.stderr())


class Flood:
    """:param processes: to be watched: names and process ids"""

    def __init__(
        self, url: str, requests: int, seed: int, processes: Mapping[str, int]
    ) -> None:
        where = urlsplit(url)
        self._host, self._port = str(where.hostname), where.port
        self._url = url
        self._wanted = requests
        self._seed = seed
        self._processes = processes
        self._next_sample = 0.0
        self._lasting: list[str] = []
        self._ending = ""
        self.outcome = Outcome()

    async def run(self) -> Outcome:
        begin = time.monotonic()
        self._sample()
        async with aiohttp.ClientSession() as session:
            for _ in range(ACCOUNTS):
                account = await Client(session, self._url).enter()
                self._lasting.append(str(account.token))
            async with asyncio.TaskGroup() as group:
                for _ in range(CONNECTIONS):
                    group.create_task(self._connections(Client(session, self._url)))
        await self._settled()
        self._sample()
        self.outcome.seconds = time.monotonic() - begin
        return self.outcome

    async def _settled(self) -> None:
        """Until the last connections are closed on the other side, too."""
        before = self.outcome.samples[0].descriptors
        deadline = time.monotonic() + CONNECTION_TIMEOUT

        def are_more() -> bool:
            return any(n > before[name] for name, n in self._descriptors().items())

        while are_more() and time.monotonic() < deadline:  # noqa: ASYNC110 - not events
            await asyncio.sleep(POLL_INTERVAL)

    async def _connections(self, client: Client) -> None:
        while self.outcome.requests < self._wanted:
            if not self._ending:
                # malformed input from the flood's own address must not lock it out
                async with coming_from(new_address(), client) as visitor:
                    self._ending = await entered(visitor)
            random = Random(f"{self._seed} {self.outcome.connections}")
            self.outcome.connections += 1
            try:
                async with asyncio.timeout(CONNECTION_TIMEOUT):
                    await self._connection(random)
            except Exception as fault:
                # whatever it is, a reply was not as it should be, or did not come
                self.outcome.faults.append(f"{fault!r}"[:SHOWN])
            if self.outcome.requests >= self._next_sample:
                self._sample()

    async def _connection(self, random: Random) -> None:
        requests = deque(self._requests(random))
        breaks = random.random() < BROKEN
        while requests or breaks:
            reader, writer = await asyncio.open_connection(self._host, self._port)
            try:
                goes_on = await self._speak(random, reader, writer, requests)
                if goes_on and breaks:
                    breaks = False
                    await self._break(random, reader, writer)
            except ConnectionError:
                # what came behind the request that ended it has met a closed door
                if requests:
                    requests.popleft()
            finally:
                writer.close()

    def _requests(self, random: Random) -> Iterator[Request]:
        for _ in range(random.randrange(MOST + 1)):
            yield self._request(random)

    def _request(self, random: Random) -> Request:
        self.outcome.requests += 1
        tokens = Tokens(self._lasting, self._ending)
        return request(random, random.choice(ROUTES), tokens)

    async def _speak(
        self,
        random: Random,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        requests: deque[Request],
    ) -> bool:
        """Leaves those that are not answered: one before them has ended it all.

        Returns whether the connection can be used on.
        """
        in_a_row = random.random() < IN_A_ROW_RATE
        if in_a_row:
            writer.write(b"".join(map(bytes, requests)))
        is_first = True
        while requests:
            made = requests[0]
            if not in_a_row:
                writer.write(bytes(made))
            reply = await next_reply(reader, made.method)
            if reply is None:
                assert not is_first, f"no answer: {bytes(made)[:SHOWN]!r}"
                return False
            is_first = False
            requests.popleft()
            self._count(check(reply, made.method))
            if made.ending and reply.status == 200:
                self._ending = ""
            if is_stream(reply.headers):
                return False
        return True

    async def _break(
        self, random: Random, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        parts, end = attack(random, self._request(random))
        for part in parts:
            if not writer.transport.is_closing():
                writer.write(part)
                await asyncio.sleep(0)
        if end is End.ABORT:
            writer.transport.abort()
        elif end is End.HALF_CLOSE:
            with contextlib.suppress(OSError):  # it may have been closed by now
                writer.write_eof()
            # a malformed request has no certain method; none of them was HEAD
            while (reply := await next_reply(reader, "GET")) is not None:
                self._count(check(reply, "GET"))
                if is_stream(reply.headers):
                    return

    def _count(self, kind: str) -> None:
        self.outcome.replies[kind] += 1

    def _sample(self) -> None:
        self._next_sample += self._wanted / SAMPLES
        self.outcome.samples.append(
            Sample(
                self.outcome.requests,
                {name: memory_of(pid) for name, pid in self._processes.items()},
                self._descriptors(),
            )
        )

    def _descriptors(self) -> dict[str, int]:
        return {name: descriptors_of(pid) for name, pid in self._processes.items()}


async def entered(client: Client) -> str:
    """A token of the account whose tokens are ended, and which may be gone."""
    for password in PASSWORDS:
        if (await client.login("alice", password)).status == 200:
            break
    else:
        await client.register("alice", PASSWORDS[0])
        await client.login("alice", PASSWORDS[0])
    return str(client.token)


def memory_of(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmRSS:")]
    return int(line.split()[1]) * 1024


def descriptors_of(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))
