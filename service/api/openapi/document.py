"""The OpenAPI 3.1 document: the routes, with the structs that validate requests."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import hdrs, web

from service import __version__, errors
from service.api import changes, keys, schemas
from service.api.idempotency import IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_FORM
from service.api.openapi.operations import OPERATIONS, Operation, Problem
from service.api.preconditions import ENTITY_TAG, ENTITY_TAGS
from service.settings import Settings
from service.web.problems import CONTENT_TYPE
from service.web.responses import REVISION

REFERENCE = "#/components/schemas/{name}"
JSON = "application/json"

Schema = dict[str, Any]

Kinds = tuple[type[errors.Problem], ...]

#: What any route may answer, and any that wants a token, and any that takes a body.
ANYWHERE: Kinds = (
    errors.InvalidRequest,
    errors.MisdirectedRequest,
    errors.UriTooLong,
    errors.HeadersTooLarge,
    errors.Internal,
    errors.StorageUnavailable,
    errors.Overloaded,
    errors.HttpVersionNotSupported,
)
FOR_CALLERS: Kinds = (
    errors.TokenMissing,
    errors.TokenInvalid,
    errors.TokenExpired,
    errors.TokenRevoked,
)
WITH_BODY: Kinds = (
    errors.InvalidJSON,
    errors.RequestTimeout,
    errors.BodyTooLarge,
    errors.UnsupportedEncoding,
)

#: The header that a problem always has.
PROBLEM_HEADERS = {
    HTTPStatus.TOO_MANY_REQUESTS: hdrs.RETRY_AFTER,
    HTTPStatus.SERVICE_UNAVAILABLE: hdrs.RETRY_AFTER,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: hdrs.ACCEPT_ENCODING,
}

#: Of a stream of events each one is described.
EVENT = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "event": {"type": "string"},
        "data": {"type": "string", "contentMediaType": JSON},
    },
}
ENTITY_TAG_LIST = {
    "anyOf": [{"const": "*"}, {"type": "string", "pattern": f"^{ENTITY_TAGS.pattern}$"}]
}
HEADERS: dict[str, Schema] = {
    IDEMPOTENCY_KEY: {
        "type": "string",
        "pattern": rf"^{IDEMPOTENCY_KEY_FORM.pattern}$",
    },
    hdrs.IF_MATCH: ENTITY_TAG_LIST,
    hdrs.IF_NONE_MATCH: ENTITY_TAG_LIST,
    changes.LAST_EVENT_ID: {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": schemas.MAX_INT64},
            {"const": "", "description": "None: as without the header"},
        ]
    },
    REVISION: {"type": "integer", "minimum": 0},
    hdrs.ETAG: {"type": "string", "pattern": rf"^{ENTITY_TAG}$"},
    keys.TTL: {"type": "number"},
    hdrs.RETRY_AFTER: {"type": "integer", "minimum": 1},
    hdrs.ACCEPT_ENCODING: {"type": "string"},
}


def document(
    public: Iterable[web.RouteDef],
    for_callers: Iterable[web.RouteDef],
    limits: Settings,
) -> bytes:
    """The document, as JSON."""
    builder = _Builder(limits)
    for route in public:
        builder.add(route, with_token=False)
    for route in for_callers:
        builder.add(route, with_token=True)
    return msgspec.json.encode(builder.document())


class _Builder:
    def __init__(self, limits: Settings) -> None:
        self._limits = limits
        self._paths: dict[str, dict[str, Schema]] = {}
        shapes = [
            shape
            for operation in OPERATIONS.values()
            for shape in (operation.reply, operation.body)
            if shape is not None
        ]
        _, components = msgspec.json.schema_components(
            [Problem, *shapes], ref_template=REFERENCE
        )
        self._components = {
            name: self._completed(schema) for name, schema in components.items()
        }

    def document(self) -> Schema:
        return {
            "openapi": "3.1.0",
            "info": {
                "title": "kv-service",
                "version": __version__,
                "description": "A key-value store over HTTP, kept in Tarantool",
            },
            # next to this document, wherever a proxy has put it
            "servers": [{"url": "."}],
            "paths": self._paths,
            "components": {
                "schemas": self._components,
                "securitySchemes": {
                    "token": {
                        "type": "http",
                        "scheme": "bearer",
                        "bearerFormat": "JWT",
                    },
                    "ticket": {
                        "type": "apiKey",
                        "in": "query",
                        "name": "ticket",
                        "description": "For an EventSource: from POST /api/tickets",
                    },
                },
            },
        }

    def add(self, route: web.RouteDef, *, with_token: bool) -> None:
        operation = OPERATIONS[route.handler]
        path, _, pattern = route.path.partition("{")
        parameter, _, _ = pattern.partition(":")
        path += f"{{{parameter}}}" if parameter else ""
        described: Schema = {
            "operationId": f"{route.handler.__module__.rpartition('.')[2]}_"
            f"{route.handler.__name__}",
            "summary": operation.summary,
            "tags": [route.handler.__module__.rpartition(".")[2]],
            "parameters": self._parameters(operation, parameter),
            "responses": self._responses(operation, with_token=with_token),
        }
        if with_token:
            described["security"] = [{"token": []}]
            if operation.ticket:
                described["security"].append({"ticket": []})
        if operation.body is not None:
            described["requestBody"] = {
                "required": True,
                "content": {
                    JSON: {
                        "schema": self._schema(operation.body),
                        "example": operation.example,
                    }
                },
            }
        methods = self._paths.setdefault(path, {})
        methods[route.method.lower()] = described
        if route.method == hdrs.METH_GET and route.kwargs.get("allow_head", True):
            methods["head"] = _without_bodies(described)

    def _parameters(self, operation: Operation, in_path: str) -> list[Schema]:
        found: list[Schema] = []
        if in_path:
            schema = self._filled({"type": "string", **schemas.KEY})
            found.append(
                {
                    "name": in_path,
                    "in": "path",
                    "required": True,
                    "schema": schema,
                    "examples": {"nested": {"value": "config/colour"}},
                }
            )
        if operation.query is not None:
            query = self._filled(msgspec.json.schema(operation.query))
            (shape,) = query["$defs"].values()
            found += [
                {"name": name, "in": "query", "schema": schema}
                for name, schema in shape["properties"].items()
                if schemas.IMPLIED not in schema
            ]
        found += [
            {"name": str(name), "in": "header", "schema": HEADERS[name]}
            for name in operation.headers
        ]
        return found

    def _responses(self, operation: Operation, *, with_token: bool) -> Schema:
        status = HTTPStatus.NO_CONTENT if operation.reply is None else HTTPStatus.OK
        success: Schema = {"description": status.phrase}
        if operation.reply is not None:
            success["content"] = {JSON: {"schema": self._schema(operation.reply)}}
        if operation.events:
            success["content"][changes.EVENT_STREAM] = {"schema": EVENT}
        if operation.reply_headers:
            success["headers"] = {
                str(name): {"schema": HEADERS[name], "required": name != keys.TTL}
                for name in operation.reply_headers
            }
        responses = {str(int(status)): success}
        if hdrs.ETAG in operation.reply_headers and operation.reply is not None:
            responses["304"] = {"description": HTTPStatus.NOT_MODIFIED.phrase}
        raised: list[type[errors.Problem]] = [*ANYWHERE, *operation.raises]
        if operation.body is not None:
            raised += WITH_BODY
        if with_token:
            raised += FOR_CALLERS
        for status in sorted({kind.status for kind in raised}):
            codes = [kind.code for kind in set(raised) if kind.status == status]
            responses[str(int(status))] = _problem(status, sorted(codes))
        return responses

    def _schema(self, shape: Any) -> Schema:
        (schema,), _ = msgspec.json.schema_components([shape], ref_template=REFERENCE)
        return schema

    def _completed(self, schema: Schema) -> Schema:
        """Without marks: with the settings' limits, and what is wanted as required."""
        for name, member in schema.get("properties", {}).items():
            if member.pop(schemas.WANTED, False):
                del member["default"]
                member["anyOf"].remove({"type": "null"})
                schema["required"].append(name)
        filled: Schema = self._filled(schema)
        return filled

    def _filled(self, part: Any) -> Any:
        match part:
            case {"anyOf": kinds, **rest}:
                shown = [self._filled(k) for k in kinds if schemas.IMPLIED not in k]
                kind = shown[0] if len(shown) == 1 else {"anyOf": shown}
                return self._filled(rest) | kind
            case dict():
                return {name: self._filled(value) for name, value in part.items()}
            case list():
                return [self._filled(value) for value in part]
            case str() if part.startswith("$max_"):
                return getattr(self._limits, part[1:])
        return part


def _problem(status: HTTPStatus, codes: list[str]) -> Schema:
    described: Schema = {
        "description": f"{status.phrase}: {', '.join(codes)}",
        "content": {
            CONTENT_TYPE: {
                "schema": {
                    "allOf": [{"$ref": REFERENCE.format(name=Problem.__name__)}],
                    "properties": {"code": {"enum": codes}},
                }
            }
        },
    }
    header = PROBLEM_HEADERS.get(status)
    if header is not None:
        described["headers"] = {
            str(header): {"schema": HEADERS[header], "required": True}
        }
    return described


def _without_bodies(described: Schema) -> Schema:
    return described | {
        "operationId": f"{described['operationId']}_head",
        "responses": {
            status: {name: part for name, part in response.items() if name != "content"}
            for status, response in described["responses"].items()
        },
    }
