"""Types of the members of requests and replies, with what the OpenAPI document adds.

`extra_json_schema` has the limits that only the parser checks. There a string like
``$max_keys`` stands for the setting of that name. `REQUIRED` marks a member that the
document shows as required, although the struct has a default for it: the parser has an
error code of its own for a missing one. `SUFFICIENT` marks members of which at least
one is required, with the schema that it must then have. `UNDOCUMENTED` marks what the
document omits.
"""

from typing import Annotated, Any, Literal

from msgspec import Meta

from service.auth.credentials import MAX_PASSWORD, MAX_USERNAME
from service.model import MAX_INT64, Grant
from service.settings import MAX_GRANTS
from service.web.admission import MAX_POLL

#: Seconds: a time of expiry stays an exact double.
MAX_TTL = 100 * 365 * 24 * 3600

#: Seconds since 1970: with a sum of the time and `MAX_TTL` until the year 2300.
MAX_EXPIRES_AT = 4 * MAX_TTL

#: Seconds.
MAX_WAIT = 60

#: Seconds: as long as a token of a login can live (KV_TOKEN_TTL).
MAX_TOKEN_TTL = 2**31 - 1

#: Keys of the JSON schemas, which the document does not show.
REQUIRED = "x-required"
SUFFICIENT = "x-sufficient"
UNDOCUMENTED = "x-undocumented"


def documented(**schema: Any) -> Meta:
    """A schema that the document shows, but msgspec does not check."""
    return Meta(extra_json_schema=schema)


KEY = {"minLength": 1, "maxLength": "$max_key"}
OF_KEYS = {"propertyNames": KEY, "maxProperties": "$max_keys"}
BATCH = documented(**OF_KEYS, minProperties=1, **{REQUIRED: True})
WRITTEN = documented(**OF_KEYS, **{SUFFICIENT: {"type": "object", "minProperties": 1}})

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
#: Of a list of accounts; names in the store may be in another form than new ones.
UsernamePart = Annotated[str, documented(maxLength=MAX_USERNAME)]
Grants = Annotated[list[Grant], documented(maxItems=MAX_GRANTS)]
KeepAccessTokens = Annotated[
    bool, Meta(description="Whether access tokens of the account stay valid")
]
Password = Annotated[str, documented(minLength=1, maxLength=MAX_PASSWORD)]
TokenName = Annotated[
    str,
    Meta(
        description="Normalised to the Unicode form NFC, without white space at either "
        "end",
        extra_json_schema={
            "minLength": 1,
            "maxLength": MAX_USERNAME,
            "format": "printable",
        },
    ),
]
TokenGrants = Annotated[
    list[Grant],
    Meta(
        description="Its rights are these as far as the account has them; null: all "
        "rights of the account",
        max_length=MAX_GRANTS,
    ),
]
Key = Annotated[str, documented(**KEY)]
Prefix = Annotated[str, documented(maxLength="$max_key")]
Delimiter = Annotated[
    str,
    Meta(
        min_length=1,
        description="Deeper levels are returned as their prefixes, up to this text",
        extra_json_schema={"maxLength": "$max_key"},
    ),
]
Keys = Annotated[
    list[Key] | None, documented(minItems=1, maxItems="$max_keys", **{REQUIRED: True})
]
#: 1.0 is an integer too (JSON Schema 2020-12, section 4.2.3); the parser checks it.
Integral = Annotated[float, documented(**{UNDOCUMENTED: True})]
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
TokenTtl = Annotated[
    int,
    Meta(
        ge=1,
        le=MAX_TOKEN_TTL,
        description="Seconds; null: it does not expire",
    ),
]
ExpiresAt = Annotated[
    float, Meta(ge=0, le=MAX_EXPIRES_AT, description="Seconds since 1970")
]
ImportMode = Annotated[
    Literal["overwrite", "create", "skip"],
    Meta(description="Of a key that exists: it is written; an error; left alone"),
]
Ttls = Annotated[
    dict[str, Ttl | None] | None,
    Meta(
        description="Of single keys in `data`, in place of `ttl`; null: no expiry",
        extra_json_schema=OF_KEYS,
    ),
]
Removed = Annotated[
    list[Key] | None,
    Meta(
        description="Keys to delete with the same write; none of them is in `data`",
        extra_json_schema={
            "maxItems": "$max_keys",
            SUFFICIENT: {"type": "array", "minItems": 1},
        },
    ),
]
Wait = Annotated[
    float,
    Meta(
        ge=0,
        le=MAX_WAIT,
        description=f"Seconds; a reply comes after {MAX_POLL} s at the latest",
    ),
]
IsStale = Annotated[
    bool, Meta(description="Whether any node of a cluster may answer, with its data")
]
#: In a query, the name without a value counts too.
StaleFlag = Annotated[
    Literal["", "true", "false"],
    Meta(description="Whether any node of a cluster may answer, with its data"),
]
Int64 = Annotated[int, Meta(ge=-MAX_INT64 - 1, le=MAX_INT64)] | Integral
Limit = Annotated[int, Meta(ge=1, extra_json_schema={"maximum": "$max_keys"})]
