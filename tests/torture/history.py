"""Requests of clients, their times and replies: the evidence a checker judges."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Literal

import msgspec

Call = Literal["write", "read", "delete", "increment", "list"]

#: `failed`: refused, and certainly not applied; `unknown`: either may be true.
Outcome = Literal["ok", "failed", "unknown"]


class Operation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One request of one client.

    :ivar start, end: seconds of one monotonic clock, around the client's whole wait
    :ivar keys: requested; of a list, the keys that it showed
    :ivar after, next: of a list, as in its request and in its reply
    :ivar values: of a write JSON texts, of an increment the deltas in decimal
    :ivar conditions: the expected revisions; None: no such key
    :ivar ttl: seconds until the written keys expire
    :ivar retry: the `Idempotency-Key`: attempts that share it are one request
    :ivar status: of the reply, None: there was none
    :ivar revision: the reply's `KV-Revision`
    :ivar found: JSON texts, one for each key: what a read or a list showed (None: no
        such key), the new values of an increment
    :ivar revisions: of the keys, where a read returned them (None: no such key)
    :ivar deleted: how many keys a delete says were there
    :ivar grants: rights by prefix of the client's account, None: everything
    """

    client: int
    call: Call
    start: float
    end: float
    outcome: Outcome
    keys: list[str]
    values: list[str] | None = None
    conditions: dict[str, int | None] = {}
    ttl: float | None = None
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
    grants: dict[str, str] | None = None

    @property
    def asked(self) -> dict[str, str]:
        """The values of a write or an increment, by key: the last one wins."""
        if self.values is None:
            return {}
        return dict(zip(self.keys, self.values, strict=True))

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
    """

    operations: list[Operation]
    changes: list[Change]
    final: dict[str, str] | None
    leader_changes: list[tuple[float, float]] = []


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
