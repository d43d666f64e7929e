"""Procedures of exports and imports."""

from collections.abc import Sequence
from typing import Any

from service.errors import (
    ConditionFailed,
    NotGranted,
    Problem,
    RevisionCompacted,
    quoted,
)
from service.model import Caller, ExportPage, StoredRow
from service.storage.calls import Calls

CHANGES_LOST = (
    "The change log no longer has the changes since the last page: "
    "export again, and read faster; KV_CHANGES_BYTES is the size of the log"
)


class EntryRefused(Exception):
    """An entry of an import is refused, and its batch with it.

    :ivar position: of the entry in its batch
    """

    def __init__(self, position: int, key: str, reason: int | str) -> None:
        """
        :param reason: the missing right, or the revision of a key that exists
        """
        super().__init__(position)
        self.position = position
        self._key = key
        self._reason = reason

    def problem_at(self, line: int) -> Problem:
        """The error reply.

        :param line: the number of the entry's line
        """
        key, reason = self._key, self._reason
        problem: Problem
        if isinstance(reason, str):
            problem = NotGranted(
                f"Line {line}: no right to {reason} the key {quoted(key)}"
            )
        else:
            detail = f"Line {line}: the key {quoted(key)} exists"
            problem = ConditionFailed({key: reason}, detail)
        problem.progress = {"line": line}
        return problem


class Transfers:
    """The client of the procedures; every method raises as those of `Storage`."""

    def __init__(self, calls: Calls) -> None:
        self._call = calls.call

    async def export_page(
        self,
        caller: Caller,
        prefix: str,
        position: object,
        max_bytes: int,
        *,
        size: int,
    ) -> ExportPage:
        """Reads a page of an export.

        :param position: `next` of the page before; None: this is the first page
        :param max_bytes: beyond which no change, or no row, is added to the page
        :param size: bytes of the page, at most
        :raises TokenRevoked: the token is no longer valid
        :raises NotGranted: the account may not read any key with the prefix
        :raises RevisionCompacted: the change log does not reach back to the page before
        :raises RevisionAhead: the store has not reached the page before
        :raises NotFound: there is no change log
        """
        revision, following, *rest = await self._call(
            "kv.v1.export_page", caller, prefix, position, max_bytes, size=size
        )
        if revision is None:
            raise RevisionCompacted(following, CHANGES_LOST)
        changes, rows, prefixes, now = rest
        return ExportPage(
            revision, following, _rows(changes), _rows(rows), prefixes, now
        )

    async def begin_import(self, caller: Caller, mode: str, since: int | None) -> int:
        """Checks that an import can begin; returns the revision for its batches.

        :param since: the one that the caller gives; None: the newest one
        :raises TokenRevoked: the token is no longer valid
        :raises RevisionAhead: the store has not reached `since`
        """
        newest, _ = await self._call(
            "kv.v1.import_batch", caller, [], [], None, mode, since
        )
        return int(newest) if since is None else since

    async def import_batch(
        self,
        caller: Caller,
        keys: Sequence[str],
        values: Sequence[str | None],
        expiries: Sequence[float | None],
        mode: str,
        since: int,
    ) -> tuple[int, int]:
        """Imports entries in their order, all or none.

        :param keys: may have one several times
        :param values: JSON texts, one for each key; None: the key is deleted
        :param expiries: seconds since 1970, one for each key; None: it does not expire
        :param since: the revision up to which a key that is there counts as existing
        :return: the numbers of entries that changed their key, and of the others
        :raises TokenRevoked: the token is no longer valid
        :raises RevisionAhead: the store has not reached `since`
        :raises EntryRefused: the account has no right to a key, or in mode `create` it
            exists
        """
        _, (written, *rest) = await self._call(
            "kv.v1.import_batch",
            caller,
            keys,
            values,
            expiries if any(each is not None for each in expiries) else None,
            mode,
            since,
            writes=True,
        )
        if written is None:
            position = rest[0] - 1
            raise EntryRefused(position, keys[position], rest[1])
        return written, rest[0]


def _rows(columns: list[list[Any]]) -> list[StoredRow]:
    return list(map(StoredRow, *columns))
