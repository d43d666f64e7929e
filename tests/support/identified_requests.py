"""Clients whose requests can be found in a log again, each by its id."""

import asyncio

import aiohttp

from tests.support.client import unique

#: Replies between two rotations of a log, at least.
REPLIES = 30


class IdentifiedRequests:
    """Clients that send one request after the other, each on a new connection.

    :ivar answered: the ids of the requests that have their reply
    """

    def __init__(
        self, url: str, method: str, *, data: str | None = None, status: int
    ) -> None:
        self._url = url
        self._method = method
        self._data = data
        self._status = status
        self.answered: list[str] = []
        self._is_over = False
        self._is_answered = asyncio.Event()

    async def send(self) -> None:
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            while not self._is_over:
                name = unique("request")
                headers = {"X-Request-Id": name}
                async with session.request(
                    self._method, self._url, data=self._data, headers=headers
                ) as reply:
                    assert reply.status == self._status
                    self.answered.append(name)
                    self._is_answered.set()

    async def more(self) -> None:
        """Waits for some replies."""
        for _ in range(REPLIES):
            self._is_answered.clear()
            await self._is_answered.wait()

    def end(self) -> None:
        self._is_over = True
