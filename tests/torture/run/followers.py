"""Clients of the change feed that resume through all faults from where they were."""

import asyncio
from abc import ABC, abstractmethod

import aiohttp
import msgspec

from tests.support.sse import Parser
from tests.torture.history import Change
from tests.torture.run.session import Session, kept

#: Seconds: a long poll waits, and may then be late; before it is sent again.
WAIT, TIMEOUT, PAUSE = 5, aiohttp.ClientTimeout(total=12.0), 0.2

#: Seconds without a sign of life: heartbeats come every fifteen.
SILENCE = aiohttp.ClientTimeout(total=None, sock_read=20.0)

#: What follows a fault, and passes.
PASSING = (aiohttp.ClientError, TimeoutError, ConnectionError)

#: Statuses that do not pass.
FORBIDDEN, AHEAD, COMPACTED = 403, 409, 410


class Element(msgspec.Struct):
    revision: int
    data: dict[str, msgspec.Raw]
    deleted: list[str]

    @property
    def change(self) -> Change:
        texts = {key: kept(bytes(raw).decode()) for key, raw in self.data.items()}
        return Change(self.revision, texts, self.deleted)


class Page(msgspec.Struct):
    """:ivar oldest: of a refusal: the revision to resume from"""

    changes: list[Element] = []
    revision: int = 0
    oldest: int | None = None


class Refused(Exception):
    """The feed does not resume from where it was."""


async def feed_now(session: Session) -> tuple[int, list[Change]]:
    """The kept changes, and the revision before them; no client may be writing.

    :raises Refused:
    """
    since, changes = 0, list[Change]()
    position = since
    while True:
        page = await _page(session, session.urls[0], position, 0)
        if page.oldest is not None:
            since = position = page.oldest
        elif not page.changes:
            return since, changes
        else:
            changes += [element.change for element in page.changes]
            position = page.revision


async def _page(session: Session, url: str, since: int, wait: int) -> Page:
    """:raises Refused: but for what is compacted"""
    async with session.http.get(
        f"{url}/api/changes?since={since}&wait={wait}",
        headers=session.headers,
        timeout=TIMEOUT,
    ) as response:
        if response.status != COMPACTED:
            _check(response, since)
        return msgspec.json.decode(await response.read(), type=Page)


def _check(response: aiohttp.ClientResponse, since: int) -> None:
    if response.status in (FORBIDDEN, AHEAD, COMPACTED):
        raise Refused(f"after {since}: {response.status}")
    response.raise_for_status()


class Follower(ABC):
    """:ivar changes: that it received, in that order"""

    def __init__(self, name: str, session: Session) -> None:
        self.name = name
        self.session = session
        self.changes: list[Change] = []
        self._position = 0
        self._has_ended = False
        self._attempts = 0
        self._moved = asyncio.Event()

    async def run(self) -> None:
        """:raises Refused:"""
        while True:
            try:
                await self._follow()
            except PASSING:
                await asyncio.sleep(PAUSE)
            except Refused:
                self._has_ended = True
                self._moved.set()
                raise

    async def reach(self, revision: int) -> None:
        """Returns when that has been received, or nothing more will be."""
        while self._position < revision and not self._has_ended:
            self._moved.clear()
            await self._moved.wait()

    def _take(self, changes: list[Change], position: int) -> None:
        self.changes += changes
        self._position = position
        self._moved.set()

    @abstractmethod
    async def _follow(self) -> None:
        """Until something comes between."""

    def _url(self) -> str:
        """The URL of a worker, round-robin."""
        self._attempts += 1
        return self.session.urls[self._attempts % len(self.session.urls)]


class Poller(Follower):
    """Polls in a loop."""

    async def _follow(self) -> None:
        page = await _page(self.session, self._url(), self._position, WAIT)
        if page.oldest is not None:
            raise Refused(f"after {self._position}: {COMPACTED}")
        self._take([element.change for element in page.changes], page.revision)


class Listener(Follower):
    """Takes a stream of events."""

    async def _follow(self) -> None:
        async with self.session.http.get(
            f"{self._url()}/api/changes?since={self._position}",
            headers=self.session.headers | {"Accept": "text/event-stream"},
            timeout=SILENCE,
        ) as response:
            _check(response, self._position)
            parser = Parser(str(self._position))
            async for sent in response.content.iter_any():
                changes = [
                    msgspec.json.decode(event.data, type=Element).change
                    for event in parser.feed(sent)
                    if event.kind == "message"
                ]
                self._take(changes, int(parser.last_event_id))
        raise ConnectionResetError
