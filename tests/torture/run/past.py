"""Reads of the past: pages of histories, and values at revisions."""

from urllib.parse import quote, urlencode

import msgspec

from tests.torture.history import Cause, Entry, Operation
from tests.torture.run.session import Session, kept

#: The status of a key that was not there.
MISSING = 404


class Shown(msgspec.Struct):
    """A change, as the service shows it."""

    revision: int
    by: str | None
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    deleted: bool = False
    expired: bool = False

    @property
    def entry(self) -> Entry:
        value = None
        if not isinstance(self.value, msgspec.UnsetType):
            value = kept(bytes(self.value).decode())
        return Entry(self.revision, value, self._cause, self.by)

    @property
    def _cause(self) -> Cause | None:
        if self.expired:
            return "expired"
        return "deleted" if self.deleted else None


class Page(msgspec.Struct):
    changes: list[Shown]
    oldest: int
    next: int | None


async def read_history(session: Session, key: str, limit: int, pages: int) -> None:
    """:param pages: at most"""
    before: int | None = None
    for _ in range(pages):
        asked = {"key": key, "limit": limit}
        if before is not None:
            asked["before"] = before
        path = f"/api/history?{urlencode(asked)}"
        answer = await session.ask("history", path=path)
        if answer.outcome != "ok":
            session.record("history", answer, keys=[key], before=before)
            return
        page = msgspec.json.decode(answer.raw, type=Page)
        session.record(
            "history",
            answer,
            keys=[key],
            before=before,
            entries=[shown.entry for shown in page.changes],
            oldest=page.oldest,
            next_before=page.next,
        )
        before = page.next
        if before is None:
            return


async def read_value_at(session: Session, key: str, revision: int) -> Operation:
    path = f"/api/keys/{quote(key, safe='')}?revision={revision}"
    answer = await session.ask("value at", path=path)
    value: str | None = None
    written: int | None = None
    if answer.status == MISSING:
        answer = answer._replace(outcome="ok")
    elif answer.outcome == "ok":
        value = kept(answer.raw.decode())
        written = int(answer.headers["ETag"].strip('"'))
    is_ok = answer.outcome == "ok"
    return session.record(
        "value at",
        answer,
        keys=[key],
        at=revision,
        found=[value] if is_ok else None,
        revisions=[written] if is_ok else None,
    )
