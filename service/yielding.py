"""Yields to other requests during long work on the event loop."""

import asyncio

from service.sizes import LARGE

#: Seconds. One iteration of the loop is not enough: a small request takes several.
PAUSE = 0.001


async def yield_loop(size: int) -> None:
    """Between two steps of work on this many bytes."""
    if size > LARGE:
        await asyncio.sleep(PAUSE)
