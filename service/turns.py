"""Turns at large bodies and replies, so that many of them do not add up for the others.

One of the largest size takes the event loop, and then Tarantool's one thread, for tens
of milliseconds in which nobody else is served. Of many that come at once each would do
so right after the other; in turn, in the order in which they came, they let whoever is
waiting for something small go in between.
"""

import asyncio

from service.connection import CALL_TIMEOUT
from service.errors import Overloaded

#: Bytes of those whose turn it is; one that is larger has a turn of its own. Smaller
#: ones share one, and so they share a sync of Tarantool's log.
AT_ONCE = 1024 * 1024

#: Seconds between two steps of a large one, in which small ones are answered.
PAUSE = 0.001

#: As long as the call to Tarantool may take that they wait for.
PATIENCE = CALL_TIMEOUT


class Turns:
    def __init__(self) -> None:
        self._line = asyncio.Lock()
        self._taken = 0
        self._ended = asyncio.Event()

    async def take(self, size: int) -> None:
        """Waits for a turn at so many bytes; `end` has to follow.

        :raises Overloaded: it did not come in time
        """
        try:
            async with asyncio.timeout(PATIENCE), self._line:
                while self._taken and self._taken + size > AT_ONCE:
                    self._ended.clear()
                    await self._ended.wait()
                self._taken += size
        except TimeoutError:
            raise Overloaded(
                f"Large bodies and replies take turns: none came in {PATIENCE:g} s"
            ) from None

    def end(self, size: int) -> None:
        self._taken -= size
        self._ended.set()


async def give_way(size: int) -> None:
    """Between two steps of work on so many bytes: whoever is waiting goes first.

    A mere turn of the loop would not do: an answer to something small takes several.
    """
    if size > AT_ONCE:
        await asyncio.sleep(PAUSE)
