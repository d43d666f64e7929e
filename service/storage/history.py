"""The procedures for the history of a key."""

from service.errors import ReplyTooLarge, ValueNotKept
from service.model import Caller, HistoryEntry, HistoryPage, Row
from service.storage.calls import Calls


class History:
    """The changes of a key, and its values at earlier revisions."""

    def __init__(self, calls: Calls) -> None:
        self._call = calls.call

    async def page(
        self,
        caller: Caller,
        key: str,
        before: int | None,
        limit: int,
        max_bytes: int,
        *,
        shows_authors: bool,
    ) -> HistoryPage:
        """Reads a page of the changes of a key, the newest first.

        :param before: the changes of lower revisions; None: all
        :param max_bytes: of the page; its first change may be larger
        :param shows_authors: whether every account sees who made a change
        :raises TokenRevoked: the token is no longer valid
        :raises NotGranted: the account may not read the key
        :raises NotFound: there is no change log
        """
        entries, oldest, following = await self._call(
            "kv.v1.history",
            caller,
            key,
            before,
            limit,
            max_bytes,
            shows_authors,
            size=max_bytes,
        )
        return HistoryPage(
            [HistoryEntry(*entry) for entry in entries], oldest, following
        )

    async def value_at(
        self, caller: Caller, key: str, revision: int, max_bytes: int
    ) -> Row | None:
        """Reads the value of a key at a revision; None: there was none.

        :raises TokenRevoked: the token is no longer valid
        :raises NotGranted: the account may not read the key
        :raises ReplyTooLarge: key and value take more than `max_bytes`
        :raises ValueNotKept: the change log does not have the value
        :raises RevisionAhead: the store has not reached the revision
        :raises NotFound: there is no change log
        """
        value, written, oldest = await self._call(
            "kv.v1.value_at",
            caller,
            key,
            revision,
            max_bytes,
            size=max_bytes,
        )
        if oldest is not None:
            raise ValueNotKept(revision, oldest)
        if isinstance(value, int):
            raise ReplyTooLarge(value, max_bytes)
        return None if value is None else Row(value, written, ttl=None)
