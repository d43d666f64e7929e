"""Data types shared by the API and the storage client."""

from collections.abc import Iterator, Sequence
from typing import Annotated, Literal, NamedTuple

import msgspec
from msgspec import Meta

#: The largest integer of 64 bits: of a revision, a counter or a version.
MAX_INT64 = 2**63 - 1


class Caller(NamedTuple):
    """The account that calls, as its token states; each procedure checks it again.

    :ivar username: empty for an access token, which does not state it
    :ivar credentials_version: for an access token its hash
    """

    username: str
    credentials_version: int | str


class User(NamedTuple):
    """An account, as a login needs it."""

    password_hash: str
    credentials_version: int


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Rights to the keys with a prefix."""

    prefix: Annotated[str, Meta(extra_json_schema={"maxLength": "$max_key"})]
    rights: Literal["r", "w", "rw"]


class Account(NamedTuple):
    """An account, as shown to its caller.

    :ivar created_at: seconds since 1970
    :ivar grants: for an access token the rights that it has
    :ivar token_expires_at: of an access token, seconds since 1970; None: never
    :ivar access_token: the id of the access token
    """

    username: str
    created_at: int
    grants: list[Grant]
    token_expires_at: int | None
    is_administrator: bool
    access_token: int | None


class ManagedAccount(msgspec.Struct, frozen=True):
    """An account, as shown to administrators."""

    username: str
    created_at: Annotated[int, Meta(description="Seconds since 1970")]
    disabled: bool
    administrator: bool
    grants: list[Grant]


class AccountPage(NamedTuple):
    """A page of accounts, in the order of their names.

    :ivar next: the name to continue after, None on the last page
    """

    accounts: list[ManagedAccount]
    next: str | None


class AccountChanges(NamedTuple):
    """What an administrator changes of an account; None: it stays as it is."""

    disabled: bool | None = None
    grants: list[Grant] | None = None
    administrator: bool | None = None
    password_hash: str | None = None


class AdministratorState(NamedTuple):
    """What decides whether an account becomes an administrator at the start."""

    password_hash: str
    is_administrator: bool
    is_disabled: bool


class NewAccessToken(NamedTuple):
    """An access token that is to be created.

    :ivar grants: None: all grants that the account has
    :ivar ttl: seconds until it expires, None: it does not expire
    """

    name: str
    grants: list[Grant] | None
    ttl: int | None


class AccessToken(NamedTuple):
    """An access token without its secret. Times are seconds since 1970.

    :ivar grants: None: all grants that the account has
    :ivar expires_at: None: it does not expire
    :ivar last_used_at: a whole minute, None: it has not been used
    """

    id: int
    name: str
    grants: list[Grant] | None
    created_at: int
    expires_at: int | None
    last_used_at: int | None


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


class Members(NamedTuple):
    """Values of keys, as the members of a JSON object.

    :ivar text: `"key":value`, joined by commas, of the keys that exist
    :ivar revisions: of each key, None for a missing key; if requested
    :ivar ttls: seconds until each key expires, None: it does not; if requested
    """

    text: str
    revisions: Sequence[int | None] = ()
    ttls: Sequence[float | None] = ()


class StaleMembers(NamedTuple):
    """Values of any node of a cluster.

    :ivar age: seconds since the node had every confirmed write
    :ivar revision: of the node's data
    """

    age: float
    revision: int
    members: Members


class ListQuery(NamedTuple):
    """A page of a listing to read.

    :ivar after: the key or the prefix to continue after, None for the first page
    :ivar limit: keys and prefixes of the page
    :ivar delimiter: None: keys of all levels are listed
    """

    prefix: str
    after: str | None
    limit: int
    with_values: bool = False
    with_details: bool = False
    delimiter: str | None = None


class KeyDetails(NamedTuple):
    """A key in a listing, without its value.

    :ivar size: bytes of the value's JSON text
    :ivar ttl: seconds until it expires, None: it does not expire
    """

    size: int
    revision: int
    ttl: float | None


class KeyPrefix(NamedTuple):
    """A deeper level in a listing.

    :ivar keys: the number of the keys after the cursor, None: it is not known
    """

    prefix: str
    keys: int | None


class Listing(NamedTuple):
    """A page of keys, ordered by their bytes, all at one revision.

    :ivar next: the text to continue after, None on the last page
    :ivar members: with the values, as the text of `Members`; None if not requested
    :ivar details: of each key, None if not requested
    :ivar prefixes: of deeper levels, None without a delimiter
    """

    revision: int
    next: str | None
    keys: list[str]
    members: str | None = None
    details: list[KeyDetails] | None = None
    prefixes: list[KeyPrefix] | None = None


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
    :ivar username: of the caller's account
    """

    changes: list[Change]
    through: int
    newest: int
    prefixes: list[str]
    epoch: int
    username: str


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
