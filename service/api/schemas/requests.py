"""Structs of request bodies and queries, which validate and document each request.

A value is not decoded: its JSON text is cut out of the body (`msgspec.Raw`), stored and
returned byte for byte.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

from service.api.schemas.members import (
    BATCH,
    REQUIRED,
    UNDOCUMENTED,
    WRITTEN,
    Delimiter,
    ExpiresAt,
    Grants,
    If,
    ImportMode,
    Int64,
    Integral,
    IsStale,
    KeepAccessTokens,
    Key,
    Keys,
    Limit,
    Password,
    Prefix,
    Removed,
    StaleFlag,
    TokenGrants,
    TokenName,
    TokenTtl,
    Ttl,
    Ttls,
    Username,
    UsernamePart,
    Wait,
    documented,
)
from service.model import MAX_INT64

#: The format of a string that contains JSON.
JSON_TEXT = "json-text"


class CredentialsBody(msgspec.Struct, forbid_unknown_fields=True):
    username: Annotated[Username | None, documented(**{REQUIRED: True})] = None
    password: Annotated[Password | None, documented(**{REQUIRED: True})] = None


class NewAccountBody(CredentialsBody):
    grants: (
        Annotated[Grants, Meta(description="Without it the default grants")]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    administrator: bool = False


class AccountChangeBody(msgspec.Struct, forbid_unknown_fields=True):
    disabled: bool | msgspec.UnsetType = msgspec.UNSET
    grants: Grants | msgspec.UnsetType = msgspec.UNSET
    administrator: bool | msgspec.UnsetType = msgspec.UNSET
    password: Password | msgspec.UnsetType = msgspec.UNSET
    keep_access_tokens: KeepAccessTokens = False


class EndTokensBody(msgspec.Struct, forbid_unknown_fields=True):
    keep_access_tokens: KeepAccessTokens = False


class PasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    password: Annotated[Password | None, documented(**{REQUIRED: True})] = None


class PasswordChangeBody(PasswordBody):
    new_password: Annotated[Password | None, documented(**{REQUIRED: True})] = None
    keep_access_tokens: KeepAccessTokens = False


class AccessTokenBody(PasswordBody):
    name: Annotated[TokenName | None, documented(**{REQUIRED: True})] = None
    grants: TokenGrants | None = None
    expires_in: TokenTtl | Integral | None = None


class NoBody(msgspec.Struct, forbid_unknown_fields=True):
    pass


class WriteBody(msgspec.Struct, forbid_unknown_fields=True):
    data: Annotated[dict[str, msgspec.Raw] | None, WRITTEN] = None
    conditions: If = msgspec.field(name="if", default=None)
    ttl: Ttl | None = None
    ttls: Ttls = None
    delete: Removed = None


class ReadBody(msgspec.Struct, forbid_unknown_fields=True):
    keys: Keys = None
    revisions: bool = False
    stale: IsStale = False


class DeleteBody(msgspec.Struct, forbid_unknown_fields=True):
    keys: Keys = None
    conditions: If = msgspec.field(name="if", default=None)


class ListBody(msgspec.Struct, forbid_unknown_fields=True):
    prefix: Prefix = ""
    after: Prefix | None = None
    limit: Limit | Integral | None = None
    values: bool = False
    details: bool = False
    delimiter: Delimiter | None = None
    stale: IsStale = False


class IncrementBody(msgspec.Struct, forbid_unknown_fields=True):
    data: Annotated[dict[str, Int64] | None, BATCH] = None


class ImportLine(msgspec.Struct, forbid_unknown_fields=True):
    """A line of an import that concerns a key."""

    key: Key
    value: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    text: (
        Annotated[
            str,
            Meta(
                description="The JSON text of the value, instead of it",
                extra_json_schema={"format": JSON_TEXT},
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    deleted: Annotated[bool, documented(const=True)] | msgspec.UnsetType = msgspec.UNSET
    revision: (
        Annotated[int | None, Meta(description="As exported; it has no effect")]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    expires_at: ExpiresAt | msgspec.UnsetType | None = msgspec.UNSET


#: What the parser requires of a line in addition.
ONE_CONTENT = documented(
    oneOf=[
        {"required": ["value"]},
        {"required": ["text"]},
        {"required": ["deleted"]},
    ]
)


class LineKind(msgspec.Struct):
    """The members by which the first and the last line of an export are told apart.

    :ivar code: of a problem, with which an export that failed ends
    """

    kv_export: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    end: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET
    code: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class LineOfVersion(msgspec.Struct):
    """The member of the first line that every version of the format has."""

    kv_export: int


class LineOfHeader(msgspec.Struct, forbid_unknown_fields=True):
    """The first line of an export."""

    kv_export: int
    revision: int | msgspec.UnsetType = msgspec.UNSET
    prefix: str | msgspec.UnsetType = msgspec.UNSET
    made_at: float | msgspec.UnsetType = msgspec.UNSET


class LineOfEnd(msgspec.Struct, forbid_unknown_fields=True):
    """The last line of an export."""

    end: bool
    keys: int
    changes: int
    sha256: str
    revision: int | msgspec.UnsetType = msgspec.UNSET


class LineOfProblem(msgspec.Struct):
    """The last line of an export that failed: a problem (RFC 9457)."""

    code: str


class ImportQuery(msgspec.Struct, forbid_unknown_fields=True):
    mode: ImportMode = "overwrite"
    since: (
        Annotated[
            int,
            Meta(
                ge=0,
                le=MAX_INT64,
                description="A key that is there exists if its revision is at most "
                "this one; the default is the newest one, and a restart repeats it",
            ),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    pass


class AccountQuery(msgspec.Struct, forbid_unknown_fields=True):
    username: Username


class AccountsQuery(msgspec.Struct, forbid_unknown_fields=True):
    prefix: UsernamePart = ""
    after: UsernamePart | msgspec.UnsetType = msgspec.UNSET
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100


class KeyQuery(msgspec.Struct, forbid_unknown_fields=True):
    stale: StaleFlag | msgspec.UnsetType = msgspec.UNSET
    revision: (
        Annotated[
            int,
            Meta(ge=0, le=MAX_INT64, description="The value at this revision"),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET


class HistoryQuery(msgspec.Struct, forbid_unknown_fields=True):
    key: Key
    before: (
        Annotated[
            int,
            Meta(ge=1, le=MAX_INT64, description="Changes of lower revisions"),
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET
    limit: Limit | msgspec.UnsetType = msgspec.UNSET


class ReadyQuery(msgspec.Struct):
    reads: (
        Annotated[
            str, Meta(description="Given: a storage that answers stale reads is enough")
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET


class PutQuery(msgspec.Struct, forbid_unknown_fields=True):
    ttl: Ttl | msgspec.UnsetType = msgspec.UNSET


class ExportQuery(msgspec.Struct, forbid_unknown_fields=True):
    prefix: Prefix = ""


class ChangesQuery(msgspec.Struct, forbid_unknown_fields=True):
    since: Annotated[int, Meta(ge=0, le=MAX_INT64)] | msgspec.UnsetType = msgspec.UNSET
    prefix: Prefix = ""
    wait: Wait = 0.0
    #: In the document it is a security scheme.
    ticket: Annotated[str, documented(**{UNDOCUMENTED: True})] | msgspec.UnsetType = (
        msgspec.UNSET
    )
