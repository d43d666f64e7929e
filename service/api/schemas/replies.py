"""Structs of reply bodies, as the OpenAPI document shows them."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from service.api.schemas.members import Int64, Revision
from service.errors import Applied
from service.model import Grant, ManagedAccount
from service.telemetry.request_ids import FORM


class Problem(msgspec.Struct):
    """Problem details (RFC 9457); `instance` names the request."""

    status: int
    title: str
    detail: str
    instance: Annotated[str, Meta(pattern=f"^urn:request:{FORM.pattern}$")]
    code: str
    error: str
    applied: Applied | None = None
    conflicts: dict[str, int | None] | msgspec.UnsetType = msgspec.UNSET
    oldest: int | msgspec.UnsetType = msgspec.UNSET


class Status(msgspec.Struct):
    status: str


SUCCESS = msgspec.json.encode(Status("success"))


class Token(msgspec.Struct):
    token: str


class Ticket(msgspec.Struct):
    ticket: str
    expires_in: Annotated[int, Meta(description="Seconds")]


TOKEN_GRANTS = Meta(description="null: all rights of the account")
TOKEN_EXPIRY = Meta(description="Seconds since 1970; null: it does not expire")


class NewAccessToken(msgspec.Struct):
    id: int
    token: Annotated[str, Meta(description="Shown only here")]
    name: str
    grants: Annotated[list[Grant] | None, TOKEN_GRANTS]
    created_at: Annotated[int, Meta(description="Seconds since 1970")]
    expires_at: Annotated[int | None, TOKEN_EXPIRY]


class AccessToken(msgspec.Struct):
    id: int
    name: str
    grants: Annotated[list[Grant] | None, TOKEN_GRANTS]
    created_at: Annotated[int, Meta(description="Seconds since 1970")]
    expires_at: Annotated[int | None, TOKEN_EXPIRY]
    last_used_at: Annotated[
        int | None,
        Meta(description="Seconds since 1970, a whole minute; null: not used yet"),
    ]


class AccessTokens(msgspec.Struct):
    tokens: list[AccessToken]


class Account(msgspec.Struct):
    username: str
    created_at: Annotated[int, Meta(description="Seconds since 1970")]
    grants: list[Grant]
    administrator: Literal[True] | msgspec.UnsetType = msgspec.UNSET


class Accounts(msgspec.Struct):
    accounts: list[ManagedAccount]
    next: Annotated[
        str | None,
        Meta(description="Where the next page begins; null: it was the last"),
    ]


Bytes = Annotated[int, Meta(description="Bytes")]
Seconds = Annotated[float, Meta(description="Seconds")]


class ChangeLogState(msgspec.Struct):
    enabled: bool
    writes: int
    oldest: Annotated[int, Meta(description="The revision after which it is complete")]
    bytes: Bytes
    limit: Bytes


class IdempotencyState(msgspec.Struct):
    records: int
    bytes: Bytes


class MemoryState(msgspec.Struct):
    used: Bytes
    allocated: Bytes
    limit: Bytes


class WalState(msgspec.Struct):
    mode: str
    files: int
    bytes: Bytes


class SnapshotsState(msgspec.Struct):
    files: int
    bytes: Bytes
    newest: Annotated[
        int | None, Meta(description="Seconds since 1970; null: there is none")
    ] = None


class TarantoolState(msgspec.Struct):
    version: str
    uptime: Seconds


class NodeState(msgspec.Struct):
    name: str
    role: Literal["leader", "follower"]
    connected: bool
    lag: Annotated[
        float | None,
        Meta(description="Seconds that it is behind; null: it is not connected"),
    ] = None
    idle: Annotated[
        float | None,
        Meta(description="Seconds since the leader heard from it; null: never"),
    ] = None


class StoreState(msgspec.Struct):
    version: Annotated[str, Meta(description="Of the service")]
    tarantool: TarantoolState
    keys: Annotated[int, Meta(description="Expired ones count until they are deleted")]
    expiring: int
    revision: int
    accounts: int
    accepts_writes: bool
    changes: ChangeLogState
    idempotency: IdempotencyState
    memory: MemoryState
    wal: WalState
    snapshots: SnapshotsState
    nodes: Annotated[
        list[NodeState], Meta(description="Of a cluster; empty for a single instance")
    ]


class Found(msgspec.Struct):
    data: dict[str, msgspec.Raw]
    revisions: dict[str, Revision] | msgspec.UnsetType = msgspec.UNSET
    ttl: (
        Annotated[dict[str, float], Meta(description="Seconds left")]
        | msgspec.UnsetType
    ) = msgspec.UNSET


class Deleted(msgspec.Struct):
    status: str
    deleted: int


class Details(msgspec.Struct):
    size: Annotated[int, Meta(description="Bytes of the value's JSON text")]
    revision: Revision
    ttl: Annotated[float, Meta(description="Seconds left")] | msgspec.UnsetType = (
        msgspec.UNSET
    )


class Level(msgspec.Struct):
    """A deeper level of keys."""

    prefix: str
    keys: Annotated[
        int | None,
        Meta(description="Its readable keys after the cursor; null: not counted"),
    ]


class Listing(msgspec.Struct):
    next: Annotated[
        str | None,
        Meta(description="Where the next page begins; null: it was the last"),
    ]
    keys: list[str] | msgspec.UnsetType = msgspec.UNSET
    data: dict[str, msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET
    details: dict[str, Details] | msgspec.UnsetType = msgspec.UNSET
    prefixes: list[Level] | msgspec.UnsetType = msgspec.UNSET


class Counted(msgspec.Struct):
    data: dict[str, Int64]


class Change(msgspec.Struct):
    revision: int
    data: dict[str, msgspec.Raw]
    deleted: list[str]


class Changes(msgspec.Struct):
    changes: list[Change]
    revision: int


class HistoryChange(msgspec.Struct):
    revision: int
    at: Annotated[float | None, Meta(description="Seconds since 1970; null: not known")]
    by: Annotated[
        str | None,
        Meta(description="The account; null: not known, not shown, or an expiry"),
    ]
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    deleted: Literal[True] | msgspec.UnsetType = msgspec.UNSET
    expired: Literal[True] | msgspec.UnsetType = msgspec.UNSET


class HistoryChanges(msgspec.Struct):
    changes: list[HistoryChange]
    oldest: Annotated[
        int, Meta(description="The change log has every change after this revision")
    ]
    next: Annotated[
        int | None,
        Meta(description="The next page is before this; null: there is none"),
    ]


class ImportReport(msgspec.Struct):
    """A line of the reply to an import; the last one has `end`, or is a problem."""

    line: Annotated[int, Meta(description="Everything up to this line is written")]
    written: int
    skipped: int
    since: Annotated[int, Meta(description="What a restart has to pass")]
    end: bool | msgspec.UnsetType = msgspec.UNSET


#: Any JSON value.
Value = msgspec.Raw

Lines = Annotated[
    str,
    Meta(
        description="JSON objects, one a line: kv_export, then keys with their values, "
        "changes of those and deletions, then end or, if it failed, a Problem"
    ),
]
