"""A pause in large work, in which the event loop serves small requests."""

import asyncio

from service.sizes import LARGE

#: Seconds. One iteration of the event loop is too short: a small request takes several.
PAUSE = 0.001


async def yield_loop(size: int) -> None:
    """Yields to other requests between two steps of work on `size` bytes, if large."""
    if size > LARGE:
        await asyncio.sleep(PAUSE)
