"""The shapes of requests, as data: they validate, and the OpenAPI document shows them.

A value is never decoded: it is cut out of the body as JSON text (`msgspec.Raw`), which
is what is stored and what comes back, byte for byte.

What only the parser checks is said to the document in `extra_json_schema`, where a text
like ``$max_keys`` stands for that setting. `WANTED` marks a member that must be there:
the parser has an error of its own for one that is not. `IMPLIED` marks what the
document need not show.
"""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from service.auth.credentials import MAX_PASSWORD, MAX_USERNAME
from service.web.admission import MAX_POLL

MAX_INT64 = 2**63 - 1
MAX_TTL = 100 * 365 * 24 * 3600  # seconds; the sum with today stays an exact double
MAX_WAIT = 60  # seconds

WANTED = "x-wanted"
IMPLIED = "x-implied"


def _documented(**schema: Any) -> Meta:
    return Meta(extra_json_schema=schema)


KEY = {"minLength": 1, "maxLength": "$max_key"}
OF_KEYS = {"propertyNames": KEY, "maxProperties": "$max_keys"}
BATCH = _documented(**OF_KEYS, minProperties=1, **{WANTED: True})

Username = Annotated[
    str,
    Meta(
        description="Normalised to the Unicode form NFC; a new one has no white space "
        "at either end",
        extra_json_schema={
            "minLength": 1,
            "maxLength": MAX_USERNAME,
            "format": "printable",
        },
    ),
]
Password = Annotated[str, _documented(minLength=1, maxLength=MAX_PASSWORD)]
Key = Annotated[str, _documented(**KEY)]
Prefix = Annotated[str, _documented(maxLength="$max_key")]
Keys = Annotated[
    list[Key] | None, _documented(minItems=1, maxItems="$max_keys", **{WANTED: True})
]
#: 1.0 is an integer too (JSON Schema 2020-12, section 4.2.3); the parser takes care.
Integral = Annotated[float, _documented(**{IMPLIED: True})]
Revision = Annotated[int, Meta(ge=1, le=MAX_INT64)] | Integral
Conditions = dict[str, Revision | None]
If = Annotated[
    Conditions | None,
    Meta(
        description="What must be true: the revision of a key, null for no such key",
        extra_json_schema=OF_KEYS,
    ),
]
Ttl = Annotated[float, Meta(gt=0, le=MAX_TTL, description="Seconds")]
Wait = Annotated[
    float,
    Meta(
        ge=0,
        le=MAX_WAIT,
        description=f"Seconds; a reply comes after {MAX_POLL} s at the latest",
    ),
]
Int64 = Annotated[int, Meta(ge=-MAX_INT64 - 1, le=MAX_INT64)] | Integral
Limit = Annotated[int, Meta(ge=1, extra_json_schema={"maximum": "$max_keys"})]


class CredentialsBody(msgspec.Struct, forbid_unknown_fields=True):
    username: Annotated[Username | None, _documented(**{WANTED: True})] = None
    password: Annotated[Password | None, _documented(**{WANTED: True})] = None


class PasswordBody(msgspec.Struct, forbid_unknown_fields=True):
    password: Annotated[Password | None, _documented(**{WANTED: True})] = None


class PasswordChangeBody(PasswordBody):
    new_password: Annotated[Password | None, _documented(**{WANTED: True})] = None


class NoBody(msgspec.Struct, forbid_unknown_fields=True):
    pass


class WriteBody(msgspec.Struct, forbid_unknown_fields=True):
    data: Annotated[dict[str, msgspec.Raw] | None, BATCH] = None
    conditions: If = msgspec.field(name="if", default=None)
    ttl: Ttl | None = None


class ReadBody(msgspec.Struct, forbid_unknown_fields=True):
    keys: Keys = None
    revisions: bool = False


class DeleteBody(msgspec.Struct, forbid_unknown_fields=True):
    keys: Keys = None
    conditions: If = msgspec.field(name="if", default=None)


class ListBody(msgspec.Struct, forbid_unknown_fields=True):
    prefix: Prefix = ""
    after: Prefix | None = None
    limit: Limit | Integral | None = None
    values: bool = False


class IncrementBody(msgspec.Struct, forbid_unknown_fields=True):
    data: Annotated[dict[str, Int64] | None, BATCH] = None


class NoQuery(msgspec.Struct, forbid_unknown_fields=True):
    pass


class PutQuery(msgspec.Struct, forbid_unknown_fields=True):
    ttl: Ttl | msgspec.UnsetType = msgspec.UNSET


class ChangesQuery(msgspec.Struct, forbid_unknown_fields=True):
    since: Annotated[int, Meta(ge=0, le=MAX_INT64)] | msgspec.UnsetType = msgspec.UNSET
    prefix: Prefix = ""
    wait: Wait = 0.0
    #: In the document it is a security scheme.
    ticket: Annotated[str, _documented(**{IMPLIED: True})] | msgspec.UnsetType = (
        msgspec.UNSET
    )
