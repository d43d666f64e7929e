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
    Grants,
    If,
    Int64,
    Integral,
    IsStale,
    KeepAccessTokens,
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
    keep_access_tokens: bool = False


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
    stale: IsStale = False


class IncrementBody(msgspec.Struct, forbid_unknown_fields=True):
    data: Annotated[dict[str, Int64] | None, BATCH] = None


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


class ReadyQuery(msgspec.Struct):
    reads: (
        Annotated[
            str, Meta(description="Given: a storage that answers stale reads is enough")
        ]
        | msgspec.UnsetType
    ) = msgspec.UNSET


class PutQuery(msgspec.Struct, forbid_unknown_fields=True):
    ttl: Ttl | msgspec.UnsetType = msgspec.UNSET


class ChangesQuery(msgspec.Struct, forbid_unknown_fields=True):
    since: Annotated[int, Meta(ge=0, le=MAX_INT64)] | msgspec.UnsetType = msgspec.UNSET
    prefix: Prefix = ""
    wait: Wait = 0.0
    #: In the document it is a security scheme.
    ticket: Annotated[str, documented(**{UNDOCUMENTED: True})] | msgspec.UnsetType = (
        msgspec.UNSET
    )
