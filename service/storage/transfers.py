"""Procedures of exports and imports."""

from typing import Any

from service.errors import RevisionCompacted
from service.model import Caller, ExportPage, StoredRow
from service.storage.calls import Calls

CHANGES_LOST = (
    "The change log no longer has the changes since the last page: "
    "export again, and read faster; KV_CHANGES_BYTES is the size of the log"
)


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


def _rows(columns: list[list[Any]]) -> list[StoredRow]:
    return list(map(StoredRow, *columns))
