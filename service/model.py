"""What the handlers and the storage tell each other."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec


class Caller(NamedTuple):
    """Who calls, as a token says; the procedures check its standing with the data."""

    username: str
    credentials_version: int


class User(NamedTuple):
    """What is known of an account for its login."""

    password_hash: str
    credentials_version: int


class Grant(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What may be done with the keys that begin with a prefix."""

    prefix: str
    rights: Literal["r", "w", "rw"]


class Account(NamedTuple):
    """What a caller may know of its own account.

    :ivar created_at: seconds since 1970
    """

    created_at: int
    grants: list[Grant]


class Condition(NamedTuple):
    """What a write wants of a key's revision; None stands for a key that is not there.

    :ivar among: whether it must be, or must not be, one of the revisions
    """

    key: str
    revisions: Sequence[int | None]
    among: bool = True

    def holds(self, revision: int) -> bool:
        return (revision in self.revisions) == self.among


class Retry(NamedTuple):
    """A request that may be made again: its idempotency key, and a hash of it all."""

    key: str
    fingerprint: str


class Row(NamedTuple):
    """What is known of a key.

    :ivar value: JSON text
    :ivar ttl: seconds left, None: it does not expire
    """

    value: str
    revision: int
    ttl: float | None


class Listing(NamedTuple):
    """A page of keys in the order of their bytes, as they were at a revision.

    :ivar next: the key to go on after, None at the end
    :ivar values: JSON texts, None when not asked for
    """

    revision: int
    next: str | None
    keys: list[str]
    values: list[str] | None


class Change(NamedTuple):
    """A batch that was written, or part of it.

    :ivar values: JSON texts, one for each key; None: the keys were deleted
    """

    revision: int
    keys: list[str]
    values: list[str] | None = None


class Changes(NamedTuple):
    """Changes, in the order of their revisions, of the keys that a caller may read.

    :ivar through: the revision to go on from
    :ivar newest: the store's newest revision; equal to `through` at the end
    :ivar prefixes: what these keys begin with; a key begins with one at the most
    :ivar epoch: of the accounts, at which the caller may read them
    """

    changes: list[Change]
    through: int
    newest: int
    prefixes: list[str]
    epoch: int


class AllChanges(NamedTuple):
    """Changes of all keys, in the order of their revisions, and of accounts.

    :ivar through, newest: as in `Changes`
    :ivar epoch: of the accounts
    :ivar changed: accounts that have changed since the epoch before; None: any may have
    """

    changes: list[Change]
    through: int
    newest: int
    epoch: int
    changed: list[str] | None
