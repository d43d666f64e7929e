"""Reads that reserve memory for the reply before they call the storage."""

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import TypeVar

from aiohttp import web

from service.api.context import ADMISSION, SETTINGS, STORAGE
from service.auth.tokens import caller_of
from service.errors import ReplyTooLarge
from service.model import Members, StaleMembers
from service.sizes import SMALL
from service.storage.reads import MAX_COALESCED_KEYS
from service.web.reservation import reserve, take_slot

T = TypeVar("T")

#: Bytes of a key and its value that the first call reserves.
EXPECTED = 256

#: Calls to the storage for one reply: with the expected size; with the size that the
#: first call returned; with the largest allowed size, if the values have grown since.
MAX_CALLS = 3


def expected_size(request: web.Request, keys: int) -> int:
    """Bytes to reserve for the values of that many keys, within what is available."""
    return min(keys * EXPECTED, request.app[ADMISSION].available)


async def sized_read(
    request: web.Request,
    size: int,
    read: Callable[[int], Awaitable[T]],
    calls: int = MAX_CALLS,
) -> T:
    """The result of `read`, which takes the number of bytes reserved for it.

    :param size: bytes that the first call reserves
    :param calls: of `read`, at most; the last one reserves the largest size
    :raises ReplyTooLarge: the result exceeds the largest size
    :raises Overloaded: there is no memory for it, or no slot for a large reply
    """
    limit = request.app[SETTINGS].max_body
    while True:
        size = min(max(size, SMALL), limit) if calls > 1 else limit
        await take_slot(request, size)
        reserve(request, size)
        try:
            return await read(size)
        except ReplyTooLarge as refused:
            if size == limit:
                raise
            size = refused.size
        reserve(request, 0)  # reserves nothing while it waits for a slot
        calls -= 1


async def read_text(request: web.Request, keys: Sequence[str]) -> str:
    """The members of values; those of a few keys in a call with other requests.

    :raises NotGranted: the account may not read a key
    :raises ReplyTooLarge: the result exceeds the largest size
    :raises Overloaded: there is no memory for it, or no slot for a large reply
    """
    reads, caller = request.app[STORAGE].reads, caller_of(request)
    if len(keys) <= MAX_COALESCED_KEYS:
        limit = request.app[SETTINGS].max_body
        found = await reads.read_small(caller, keys, limit)
        if isinstance(found, str):
            return found
        size, calls = found, MAX_CALLS - 1
    else:
        size, calls = expected_size(request, len(keys)), MAX_CALLS
    read = partial(reads.read, caller, keys, detailed=False)
    return (await sized_read(request, size, read, calls)).text


async def read_details(request: web.Request, keys: Sequence[str]) -> Members:
    """The values with their revisions and times to live; raises as `read_text`."""
    reads = request.app[STORAGE].reads
    read = partial(reads.read, caller_of(request), keys, detailed=True)
    return await sized_read(request, expected_size(request, len(keys)), read)


async def read_stale(
    request: web.Request, keys: Sequence[str], *, detailed: bool
) -> StaleMembers:
    """The values that some node has; those of a few keys in a call with other requests.

    :param detailed: whether revisions and times to live are read, too
    :raises Stale: no node has confirmed data within the limit of their age
    :raises ReplyTooLarge: as `read_text`
    :raises Overloaded: as `read_text`
    """
    reads, caller = request.app[STORAGE].reads, caller_of(request)
    if len(keys) <= MAX_COALESCED_KEYS:
        limit = request.app[SETTINGS].max_body
        found = await reads.read_stale_small(caller, keys, limit, detailed=detailed)
        if not isinstance(found, int):
            return found
        size, calls = found, MAX_CALLS - 1
    else:
        size, calls = expected_size(request, len(keys)), MAX_CALLS
    read = partial(reads.read_stale, caller, keys, detailed=detailed)
    return await sized_read(request, size, read, calls)
