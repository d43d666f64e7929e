"""Data types shared by the API and the storage client."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

import msgspec

#: The largest integer of 64 bits: of a revision, a counter or a version.
MAX_INT64 = 2**63 - 1


class Caller(NamedTuple):
    """The account that calls, as its token states; each procedure checks it again."""

    username: str
    credentials_version: int


class User(NamedTuple):
    """An account, as a login needs it."""

    password_hash: str
    credentials_version: int


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rights to the keys with a prefix."""

    prefix: str
    rights: Literal["r", "w", "rw"]


class Account(NamedTuple):
    """An account, as shown to its caller.

    :ivar created_at: seconds since 1970
    """

    created_at: int
    grants: list[Grant]


class Condition(NamedTuple):
    """A condition of a write on the revision of a key.

    :ivar revisions: None stands for a missing key
    :ivar among: whether the key's revision must be one of them, or must not be
    """

    key: str
    revisions: Sequence[int | None]
    among: bool = True

    def holds(self, revision: int) -> bool:
        """Whether the condition holds for an existing key."""
        return (revision in self.revisions) == self.among


class IdempotencyKey(NamedTuple):
    """The idempotency key of a write that may be repeated.

    :ivar fingerprint: a hash of the whole request
    """

    key: str
    fingerprint: str


class Row(NamedTuple):
    """A value with its revision and its time to live.

    :ivar value: JSON text
    :ivar ttl: seconds until it expires, None: it does not expire
    """

    value: str
    revision: int
    ttl: float | None


class StaleRows(NamedTuple):
    """Rows of any node of a cluster, None for a missing key.

    :ivar age: seconds since the node heard from the leader
    :ivar revision: of the node's data
    """

    age: float
    revision: int
    rows: list[Row | None]


class Listing(NamedTuple):
    """A page of keys, ordered by their bytes, all at one revision.

    :ivar next: the key to continue after, None on the last page
    :ivar values: JSON texts, None if not requested
    """

    revision: int
    next: str | None
    keys: list[str]
    values: list[str] | None


class StoredRow(NamedTuple):
    """A row of the store, or the deletion of one, as an export has it.

    :ivar value: JSON text; None: the key was deleted
    :ivar revision: of the write or the deletion
    :ivar expires_at: seconds since 1970, None: it does not expire
    """

    key: str
    value: str | None
    revision: int
    expires_at: float | None


class ExportPage(NamedTuple):
    """A page of an export.

    :ivar revision: of the last page, that of the state which all pages together have
    :ivar next: where the next page begins, for the storage; None: it is the last one
    :ivar changes: rows of the pages before as they are now, ordered by revision
    :ivar rows: the next ones, ordered by the bytes of their keys
    :ivar prefixes: the prefixes of the readable keys; a key has at most one of them
    :ivar now: seconds since 1970, by the clock of `expires_at`
    """

    revision: int
    next: object
    changes: list[StoredRow]
    rows: list[StoredRow]
    prefixes: list[str]
    now: float


class Change(NamedTuple):
    """An entry of the change log, or the part of it that a watcher may read.

    :ivar values: JSON texts, one for each key, None for one that was deleted; None in
        place of the list: all were deleted
    """

    revision: int
    keys: list[str]
    values: Sequence[str | None] | None = None

    @property
    def written(self) -> Iterator[tuple[str, str]]:
        """The written keys with their values."""
        for key, value in zip(self.keys, self.values or (), strict=False):
            if value is not None:
                yield key, value

    @property
    def deleted(self) -> Sequence[str]:
        """The deleted keys."""
        if self.values is None:
            return self.keys
        found = zip(self.keys, self.values, strict=True)
        return [key for key, value in found if value is None]

    @property
    def texts(self) -> list[str]:
        """All keys and values."""
        return self.keys + [value for value in self.values or () if value is not None]


class Changes(NamedTuple):
    """A page of the change log, of the keys that a caller may read.

    :ivar changes: ordered by revision
    :ivar through: the revision to resume from
    :ivar newest: the store's newest revision; equal to `through` on the last page
    :ivar prefixes: the prefixes of the readable keys; a key has at most one of them
    :ivar epoch: of the accounts; the rights are those at this epoch
    """

    changes: list[Change]
    through: int
    newest: int
    prefixes: list[str]
    epoch: int


class HistoryEntry(NamedTuple):
    """A change of a key.

    :ivar at: seconds since 1970, None: not known
    :ivar by: the account that made it, None: not known, or not shown
    :ivar value: JSON text, None: there is none
    :ivar cause: why there is no value
    """

    revision: int
    at: float | None
    by: str | None
    value: str | None
    cause: Literal["deleted", "expired"] | None


class HistoryPage(NamedTuple):
    """Changes of a key, the newest first.

    :ivar oldest: the revision after which the change log has every change
    :ivar next: the revision before which the next page begins, None on the last page
    """

    entries: list[HistoryEntry]
    oldest: int
    next: int | None


class AllChanges(NamedTuple):
    """A page of the change log, of all keys, and the accounts that have changed.

    :ivar changes: ordered by revision
    :ivar through: the revision to resume from
    :ivar newest: the store's newest revision
    :ivar epoch: of the accounts
    :ivar changed: accounts that have changed since the last epoch; None: perhaps all
    """

    changes: list[Change]
    through: int
    newest: int
    epoch: int
    changed: list[str] | None
