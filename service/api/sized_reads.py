"""Reads that reserve memory for their replies before they ask the storage."""

from collections.abc import Awaitable, Callable
from typing import TypeVar

from aiohttp import web

from service.api.context import ADMISSION, SETTINGS
from service.errors import ReplyTooLarge
from service.sizes import SMALL
from service.web.reservation import reserve, take_slot

T = TypeVar("T")

#: Bytes that a key and its value are expected to take.
EXPECTED = 256

#: Calls to the storage for one reply: with the size expected of it; with the size that
#: the first call found; if the values have grown since, with the largest size allowed.
MAX_CALLS = 3


def expected_size(request: web.Request, keys: int) -> int:
    """Bytes of a reply of values that are not known yet, within what can be reserved.

    :param keys: their number
    """
    return min(keys * EXPECTED, request.app[ADMISSION].available)


async def reply_of(
    request: web.Request,
    size: int,
    ask: Callable[[int], Awaitable[T]],
    calls: int = MAX_CALLS,
) -> T:
    """The result of `ask`, called with the bytes that are reserved for it.

    :param size: bytes to begin with
    :param calls: of `ask`, at most; the last one is allowed the largest size
    :raises ReplyTooLarge, Overloaded:
    """
    limit = request.app[SETTINGS].max_body
    while True:
        size = min(max(size, SMALL), limit) if calls > 1 else limit
        await take_slot(request, size)
        reserve(request, size)
        try:
            return await ask(size)
        except ReplyTooLarge as refused:
            if size == limit:
                raise
            size = refused.size
        reserve(request, 0)  # nothing stays reserved while it waits for its slot
        calls -= 1
