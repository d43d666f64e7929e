"""A reader of event streams, by the standard (WHATWG HTML, section 9.2) alone."""

import asyncio
import codecs
import contextlib
import json
import re
from collections import deque
from collections.abc import AsyncIterator, Iterator
from typing import Any, NamedTuple
from urllib.parse import urlencode

import aiohttp

from tests.support.client import Client

#: Seconds for an event that is due, on a busy machine.
EVENT_TIMEOUT = 30.0

NO_TIMEOUT = aiohttp.ClientTimeout()

LINE = re.compile(r"([^\r\n]*)(\r\n|\r|\n)")


class Event(NamedTuple):
    kind: str
    id: str
    data: str

    @property
    def json(self) -> Any:
        return json.loads(self.data)


class Parser:
    """:ivar last_event_id: what a browser comes back with
    :ivar comments: so far
    """

    def __init__(self, last_event_id: str = "") -> None:
        self.last_event_id = last_event_id
        self.comments: list[str] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._text = ""
        self._id = last_event_id
        self._clear()

    def feed(self, sent: bytes) -> Iterator[Event]:
        """The events that these bytes, wherever they are cut, make complete."""
        self._text += self._decoder.decode(sent)
        # a CR at the end may be half of a line end
        place, last = 0, len(self._text) - self._text.endswith("\r")
        while (line := LINE.match(self._text, place)) and line.end() <= last:
            place = line.end()
            event = self._take(line[1])
            if event is not None:
                yield event
        self._text = self._text[place:]

    def _clear(self) -> None:
        self._kind, self._data = "", list[str]()

    def _take(self, line: str) -> Event | None:
        field, colon, value = line.partition(":")
        if not line:
            return self._dispatched()
        value = value.removeprefix(" ")
        if not field and colon:
            self.comments.append(value)
        elif field == "data":
            self._data.append(value)
        elif field == "event":
            self._kind = value
        elif field == "id" and "\0" not in value:
            self._id = value
        return None

    def _dispatched(self) -> Event | None:
        # here, not with the line `id`: an event cut off in its middle was not seen
        self.last_event_id = self._id
        kind, data = self._kind or "message", self._data
        self._clear()
        return Event(kind, self.last_event_id, "\n".join(data)) if data else None


class Stream:
    """The events of a reply, one by one."""

    def __init__(
        self, response: aiohttp.ClientResponse, last_event_id: str | None = None
    ) -> None:
        self.response = response
        self.parser = Parser(last_event_id or "")
        self._events = deque[Event]()

    async def next(self, max_delay: float = EVENT_TIMEOUT) -> Event:
        """:raises EOFError: the stream has ended
        :raises TimeoutError:
        """
        async with asyncio.timeout(max_delay):
            while not self._events:
                await self._read()
        return self._events.popleft()

    async def take(self, count: int) -> list[Event]:
        return [await self.next() for _ in range(count)]

    async def comments(self, count: int) -> list[str]:
        """This many of them, when they have come; there may be events between them."""
        async with asyncio.timeout(EVENT_TIMEOUT):
            while len(self.parser.comments) < count:
                await self._read()
        return self.parser.comments

    async def rest(self) -> list[Event]:
        """All until its end."""
        with contextlib.suppress(EOFError):
            while True:
                await self._read()
        events = list(self._events)
        self._events.clear()
        return events

    async def start(self) -> None:
        """Waits for the first that comes, be it a heartbeat."""
        async with asyncio.timeout(EVENT_TIMEOUT):
            while not (self._events or self.parser.comments):
                await self._read()

    async def some(self, most: int, max_delay: float = 1.0) -> list[Event]:
        """The events of the next bytes, of which it reads this many at most."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(max_delay):
                return list(self.parser.feed(await self.response.content.read(most)))
        return []

    async def _read(self) -> None:
        sent = await self.response.content.readany()
        if not sent:
            raise EOFError
        self._events.extend(self.parser.feed(sent))


def query(**given: object) -> str:
    """The query for changes; members that are None are left out."""
    there = {name: value for name, value in given.items() if value is not None}
    return "/api/changes?" + urlencode(there)


@contextlib.asynccontextmanager
async def following(
    client: Client,
    *,
    last_event_id: str | None = None,
    origin: str | None = None,
    **given: object,
) -> AsyncIterator[Stream]:
    """:param given: `since` and `prefix`, and a `ticket` in place of the token"""
    headers = {"Accept": "text/event-stream"}
    if "ticket" not in given:
        headers["Authorization"] = f"Bearer {client.token}"
    if origin:
        headers["Origin"] = origin
    if last_event_id:
        headers["Last-Event-ID"] = last_event_id
    async with contextlib.AsyncExitStack() as stack:
        async with asyncio.timeout(EVENT_TIMEOUT):
            response = await stack.enter_async_context(
                client.session.get(
                    client.url + query(**given), headers=headers, timeout=NO_TIMEOUT
                )
            )
            assert response.status == 200, await response.text()
        yield Stream(response, last_event_id)
