"""Turns at large bodies and replies, so that many of them do not add up for the others.

One of the largest size takes the event loop, and then Tarantool's one thread, for tens
of milliseconds in which nobody else is served. Of many that come at once each would do
so right after the other; in turn, in the order in which they came, they let whoever is
waiting for something small go in between.
"""

import asyncio

from service.errors import Overloaded
from service.sizes import LARGE


class Turns:
    """:param max_delay: seconds that a request waits for its turn"""

    def __init__(self, max_delay: float) -> None:
        self._max_delay = max_delay
        self._line = asyncio.Lock()
        self._taken = 0
        self._ended = asyncio.Event()

    async def take(self, size: int) -> None:
        """Waits for a turn at so many bytes; `end` has to follow.

        :raises Overloaded: it did not come in time
        """
        try:
            async with asyncio.timeout(self._max_delay), self._line:
                while self._taken and self._taken + size > LARGE:
                    self._ended.clear()
                    await self._ended.wait()
                self._taken += size
        except TimeoutError:
            raise Overloaded(
                "Large bodies and replies take turns: "
                f"none came in {self._max_delay:g} s"
            ) from None

    def end(self, size: int) -> None:
        self._taken -= size
        self._ended.set()
