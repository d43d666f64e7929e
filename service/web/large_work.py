"""Slots for large bodies and replies: a weighted semaphore, first come, first served.

One of the largest size occupies the event loop, and then Tarantool's only thread, for
tens of milliseconds. Many at once would add up to seconds for all other requests.
"""

import asyncio

from service.errors import Overloaded
from service.sizes import LARGE


class Slots:
    """A weighted semaphore of `LARGE` bytes.

    :param max_delay: seconds that a request waits for its slot
    """

    def __init__(self, max_delay: float) -> None:
        self._max_delay = max_delay
        self._queue = asyncio.Lock()
        self._in_use = 0
        self._released = asyncio.Event()

    async def acquire(self, size: int) -> None:
        """Waits for a slot of this many bytes.

        :raises Overloaded: none became free in time
        """
        try:
            async with asyncio.timeout(self._max_delay), self._queue:
                while self._in_use and self._in_use + size > LARGE:
                    self._released.clear()
                    await self._released.wait()
                self._in_use += size
        except TimeoutError:
            raise Overloaded(
                "No slot for a large body or reply became free "
                f"within {self._max_delay:g} s"
            ) from None

    def release(self, size: int) -> None:
        self._in_use -= size
        self._released.set()
