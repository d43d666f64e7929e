"""The shapes of requests, as data: they validate, and the OpenAPI document shows them.

A value is never decoded: it is cut out of the body as JSON text (`msgspec.Raw`), which
is what is stored and what comes back, byte for byte.
"""

from typing import Annotated

import msgspec
from msgspec import Meta

MAX_INT64 = 2**63 - 1
MAX_TTL = 100 * 365 * 24 * 3600  # seconds; the sum with today stays an exact double
MAX_WAIT = 60  # seconds; proxies give up on a silent reply after about as many


class CredentialsBody(msgspec.Struct, forbid_unknown_fields=True):
    username: str | None = None
    password: str | None = None


Revision = Annotated[int, Meta(ge=1, le=MAX_INT64)]
Conditions = dict[str, Revision | None]
Ttl = Annotated[float, Meta(gt=0, le=MAX_TTL)]
Int64 = Annotated[int, Meta(ge=-MAX_INT64 - 1, le=MAX_INT64)]


class WriteBody(msgspec.Struct, forbid_unknown_fields=True):
    data: dict[str, msgspec.Raw] | None = None
    conditions: Conditions | None = msgspec.field(name="if", default=None)
    ttl: Ttl | None = None


class ReadBody(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[str] | None = None
    revisions: bool = False


class DeleteBody(msgspec.Struct, forbid_unknown_fields=True):
    keys: list[str] | None = None
    conditions: Conditions | None = msgspec.field(name="if", default=None)


class ListBody(msgspec.Struct, forbid_unknown_fields=True):
    prefix: str = ""
    after: str | None = None
    limit: Annotated[int, Meta(ge=1)] | None = None
    values: bool = False


class IncrementBody(msgspec.Struct, forbid_unknown_fields=True):
    data: dict[str, Int64] | None = None


class PutQuery(msgspec.Struct, forbid_unknown_fields=True):
    ttl: Ttl | msgspec.UnsetType = msgspec.UNSET


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    pass


class ChangesQuery(msgspec.Struct, forbid_unknown_fields=True):
    since: Annotated[int, Meta(ge=0, le=MAX_INT64)] | msgspec.UnsetType = msgspec.UNSET
    prefix: str = ""
    wait: Annotated[float, Meta(ge=0, le=MAX_WAIT)] = 0.0
