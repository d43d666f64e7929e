"""Procedures that read keys, and the coalescing of small reads."""

from collections.abc import Sequence
from typing import Any

from service.errors import ReplyTooLarge
from service.model import Caller, Members, StaleMembers
from service.sizes import KIB
from service.storage.calls import Calls
from service.storage.coalescer import Coalescer
from service.telemetry.families import Observations

#: Keys of a read or a write, and bytes of their values, up to which it is coalesced
#: with others. The fixed cost of a call is negligible for a larger one, and the other
#: requests would have to wait for it.
MAX_COALESCED_KEYS, MAX_COALESCED_BYTES = 16, 8 * KIB

#: Requests in a coalesced call: with more, the first ones wait longer than they gain.
MAX_COALESCED_REQUESTS = 16

SmallRead = tuple[Caller, Sequence[str], int]
SmallStaleRead = tuple[Caller, Sequence[str], int, bool]

#: The text of `Members`; the bytes that keys and values take, if these are too many;
#: None for a request that must wait for the WAL or is refused: it needs a call of its
#: own.
SmallResult = str | int | None

#: The same of a stale read.
SmallStaleResult = StaleMembers | int | None


class Reads:
    """The client of the procedures; every method raises as those of `Storage`.

    :param coalesced: counts the requests of each coalesced call
    """

    def __init__(self, calls: Calls, coalesced: Observations) -> None:
        self._call, self._call_any = calls.call, calls.call_any
        options = MAX_COALESCED_REQUESTS, coalesced
        self._small = Coalescer(self._read_each, *options)
        self._small_stale = Coalescer(self._read_stale_each, *options)

    async def read_small(
        self, caller: Caller, keys: Sequence[str], max_bytes: int
    ) -> str | int:
        """Reads at most `MAX_COALESCED_KEYS` keys, in one call with other requests.

        :return: the members, or the bytes that `read` has to be called with: the values
            take more than `MAX_COALESCED_BYTES`, are not yet in the WAL, or are refused
        """
        limit = min(max_bytes, MAX_COALESCED_BYTES)
        found = await self._small.submit((caller, keys, limit))
        return limit if found is None else found

    async def read(
        self, caller: Caller, keys: Sequence[str], max_bytes: int, *, detailed: bool
    ) -> Members:
        """Reads values, all at one revision.

        :param detailed: whether revisions and times to live are read, too
        :raises TokenRevoked: the token is no longer valid
        :raises NotGranted: the account may not read a key
        :raises ReplyTooLarge: keys and values take more than `max_bytes`
        """
        result = await self._call(
            "kv.v1.read", caller, keys, max_bytes, detailed, size=max_bytes
        )
        return _members(result, max_bytes)

    async def read_stale_small(
        self, caller: Caller, keys: Sequence[str], max_bytes: int, *, detailed: bool
    ) -> StaleMembers | int:
        """Reads as `read_stale` does, and is coalesced as `read_small` is.

        :param detailed: whether revisions and times to live are read, too
        :return: the members, or the bytes that `read_stale` has to be called with
        :raises Stale: as `read_stale`
        """
        limit = min(max_bytes, MAX_COALESCED_BYTES)
        found = await self._small_stale.submit((caller, keys, limit, detailed))
        return limit if found is None else found

    async def read_stale(
        self, caller: Caller, keys: Sequence[str], max_bytes: int, *, detailed: bool
    ) -> StaleMembers:
        """Reads confirmed values of any node.

        :param detailed: whether revisions and times to live are read, too
        :raises Stale: no node has confirmed data within the limit of their age
        :raises TokenRevoked: the token is no longer valid
        :raises NotGranted: the account may not read a key
        :raises ReplyTooLarge: keys and values take more than `max_bytes`
        """
        age, revision, *result = await self._call_any(
            "kv.v1.read_stale", caller, keys, max_bytes, detailed, size=max_bytes
        )
        return StaleMembers(age, revision, _members(result, max_bytes))

    async def _read_each(self, requests: list[SmallRead]) -> list[SmallResult]:
        results: list[SmallResult]
        (results,) = await self._call("kv.v1.read_each", requests, is_coalesced=True)
        return results

    async def _read_stale_each(
        self, requests: list[SmallStaleRead]
    ) -> list[SmallStaleResult]:
        age, revision, results = await self._call_any(
            "kv.v1.read_stale_each", requests, is_coalesced=True
        )
        return [
            found
            if found is None or isinstance(found, int)
            else StaleMembers(age, revision, _members_of(found))
            for found in results
        ]


def _members(result: Sequence[Any], max_bytes: int) -> Members:
    if isinstance(result[0], int):
        raise ReplyTooLarge(result[0], max_bytes)
    return Members(*result)


def _members_of(found: str | list[Any]) -> Members:
    return Members(found) if isinstance(found, str) else Members(*found)
