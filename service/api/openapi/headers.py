"""The schemas of the headers of requests and replies."""

from typing import Any

from aiohttp import hdrs

from service.api.idempotency import IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_FORM
from service.api.preconditions import ENTITY_TAG, ENTITY_TAGS
from service.api.sse import LAST_EVENT_ID
from service.model import MAX_INT64
from service.telemetry.request_ids import FORM
from service.web.headers import KV_AGE, KV_REVISION, KV_TTL, REQUEST_ID

ENTITY_TAG_LIST = {
    "anyOf": [{"const": "*"}, {"type": "string", "pattern": f"^{ENTITY_TAGS.pattern}$"}]
}
HEADERS: dict[str, dict[str, Any]] = {
    IDEMPOTENCY_KEY: {
        "type": "string",
        "pattern": rf"^{IDEMPOTENCY_KEY_FORM.pattern}$",
    },
    hdrs.IF_MATCH: ENTITY_TAG_LIST,
    hdrs.IF_NONE_MATCH: ENTITY_TAG_LIST,
    LAST_EVENT_ID: {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": MAX_INT64},
            {"const": "", "description": "None: as without the header"},
        ]
    },
    KV_REVISION: {"type": "integer", "minimum": 0},
    hdrs.ETAG: {"type": "string", "pattern": rf"^{ENTITY_TAG}$"},
    KV_TTL: {"type": "number"},
    KV_AGE: {"type": "number", "minimum": 0},
    REQUEST_ID: {
        "type": "string",
        "pattern": f"^{FORM.pattern}$",
        "description": "That of the request if it has this form, or a new one",
    },
    hdrs.RETRY_AFTER: {"type": "integer", "minimum": 1},
    hdrs.ACCEPT_ENCODING: {"type": "string"},
}
