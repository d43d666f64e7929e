"""Requests of clients, their times and replies: the evidence a checker judges."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

Call = Literal[
    "write",
    "import",
    "read",
    "delete",
    "increment",
    "list",
    "history",
    "value at",
    "export",
]

#: Calls that give keys values, and delete others.
SETTING: tuple[Call, ...] = ("write", "import")

#: Calls that change the store.
CHANGING: tuple[Call, ...] = (*SETTING, "delete", "increment")

#: Calls that read the past, and are compared with the feed.
PAST: tuple[Call, ...] = ("history", "value at", "export")

#: `failed`: refused, and certainly not applied; `unknown`: either may be true.
Outcome = Literal["ok", "failed", "unknown"]


Cause = Literal["deleted", "expired"]


class Entry(msgspec.Struct, frozen=True):
    """A change of a key, as its history shows it.

    :ivar value: JSON text; None: the key went
    :ivar by: the account that made it; None: nobody, or it is not shown
    """

    revision: int
    value: str | None
    cause: Cause | None
    by: str | None


class Operation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request of one client.

    :ivar start, end: seconds of one monotonic clock, around the client's whole wait
    :ivar keys: requested; of a list, or an export, the keys that it showed
    :ivar after, next: of a list, as in its request and in its reply
    :ivar values: of a write or an import JSON texts (None: the key is deleted), of an
        increment the deltas in decimal
    :ivar conditions: the expected revisions; None: no such key
    :ivar ttls: of a write, one for each key: seconds until it expires, None: it does
        not; None instead of the list: no key does
    :ivar retry: the `Idempotency-Key`: attempts that share it are one request
    :ivar status: of the reply, None: there was none
    :ivar revision: the reply's `KV-Revision`; of an export that of its end
    :ivar found: JSON texts, one for each key: what a read, a list or an export showed
        (None: no such key), the new values of an increment
    :ivar revisions: of the keys, where they were returned (None: no such key)
    :ivar deleted: how many keys a delete, or a write that deletes, says were there
    :ivar at: the revision to read a value at
    :ivar before, entries, oldest, next_before: of a page of a history, as in its
        request and in its reply
    :ivar damage: of an export with an end: what is wrong with it as a file
    :ivar grants: rights by prefix of the client's account, or of its access token;
        None: everything
    """

    client: int
    call: Call
    start: float
    end: float
    outcome: Outcome
    keys: list[str]
    values: list[str | None] | None = None
    conditions: dict[str, int | None] = {}
    ttls: list[float | None] | None = None
    prefix: str | None = None
    after: str | None = None
    next: str | None = None
    retry: str | None = None
    status: int | None = None
    code: str | None = None
    revision: int | None = None
    found: list[str | None] | None = None
    revisions: list[int | None] | None = None
    deleted: int | None = None
    at: int | None = None
    before: int | None = None
    entries: list[Entry] | None = None
    oldest: int | None = None
    next_before: int | None = None
    damage: str | None = None
    grants: dict[str, str] | None = None

    @property
    def asked(self) -> dict[str, str]:
        """The values of a write or an increment, by key: the last one wins."""
        if self.values is None:
            return {}
        pairs = zip(self.keys, self.values, strict=True)
        return {key: value for key, value in pairs if value is not None}

    @property
    def removed(self) -> set[str]:
        """The keys to delete, whether they are there or not."""
        if self.call == "delete":
            return set(self.keys)
        if self.values is None:
            return set()
        pairs = zip(self.keys, self.values, strict=True)
        return {key for key, value in pairs if value is None}

    @property
    def lives(self) -> dict[str, float]:
        """Seconds until the written keys expire, of those that do."""
        if self.ttls is None:
            return {}
        pairs = zip(self.keys, self.ttls, strict=True)
        return {key: ttl for key, ttl in pairs if ttl is not None}

    @property
    def shown(self) -> dict[str, str | None]:
        """The values found, by key."""
        if self.found is None:
            return {}
        return dict(zip(self.keys, self.found, strict=True))


class Change(msgspec.Struct, frozen=True):
    """An element of the change feed: JSON texts by key, and the keys that went."""

    revision: int
    data: dict[str, str]
    deleted: list[str]


class History(msgspec.Struct, frozen=True):
    """The store has none of the keys before the first operation.

    :ivar changes: the whole feed, from the first revision of the round to its last
    :ivar final: JSON texts by key, of all keys after the last operation; None: nobody
        looked
    :ivar leader_changes: begin and end of times in which the leader may have changed
    :ivar since: the revision after which the feed is kept in the end
    """

    operations: list[Operation]
    changes: list[Change]
    final: dict[str, str] | None
    leader_changes: list[tuple[float, float]] = []
    since: int = 0


def username_of(client: int) -> str:
    """The name of a client's account."""
    return f"client-{client}"


def save(records: Iterable[msgspec.Struct], path: Path) -> None:
    """A record a line."""
    encoder = msgspec.json.Encoder()
    with path.open("wb") as file:
        for record in records:
            file.write(encoder.encode(record) + b"\n")


def load(path: Path) -> Iterator[Operation]:
    decoder = msgspec.json.Decoder(Operation)
    with path.open("rb") as file:
        for line in file:
            yield decoder.decode(line)
