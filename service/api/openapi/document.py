"""The OpenAPI 3.1 document, from the route table and the structs of the schemas."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import msgspec
from aiohttp import hdrs

from service import errors
from service.api.authentication import by_token_or_ticket
from service.api.idempotency import IDEMPOTENCY_KEY, IDEMPOTENCY_KEY_FORM
from service.api.keys import TTL
from service.api.openapi.operations import Operation
from service.api.preconditions import ENTITY_TAG, ENTITY_TAGS
from service.api.routes import Route
from service.api.schemas.members import KEY, MAX_INT64, REQUIRED, UNDOCUMENTED
from service.api.schemas.replies import Problem
from service.api.sse import EVENT_STREAM, LAST_EVENT_ID
from service.settings import Settings
from service.web.problems import CONTENT_TYPE
from service.web.responses import REVISION

REFERENCE = "#/components/schemas/{name}"
JSON = "application/json"

Schema = dict[str, Any]

Kinds = tuple[type[errors.Problem], ...]

#: Errors of every route, of routes that need a token, of routes that take a body.
OF_ROUTES: Kinds = (
    errors.InvalidRequest,
    errors.MisdirectedRequest,
    errors.UriTooLong,
    errors.HeadersTooLarge,
    errors.Internal,
    errors.StorageUnavailable,
    errors.Overloaded,
    errors.HttpVersionNotSupported,
)
OF_TOKENS: Kinds = (
    errors.TokenMissing,
    errors.TokenInvalid,
    errors.TokenExpired,
    errors.TokenRevoked,
)
OF_BODIES: Kinds = (
    errors.InvalidJSON,
    errors.RequestTimeout,
    errors.BodyTooLarge,
    errors.UnsupportedEncoding,
)

#: The header that every error of a status has.
PROBLEM_HEADERS = {
    HTTPStatus.TOO_MANY_REQUESTS: hdrs.RETRY_AFTER,
    HTTPStatus.SERVICE_UNAVAILABLE: hdrs.RETRY_AFTER,
    HTTPStatus.UNSUPPORTED_MEDIA_TYPE: hdrs.ACCEPT_ENCODING,
}

#: The schema of each event of a stream.
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
    LAST_EVENT_ID: {
        "anyOf": [
            {"type": "integer", "minimum": 0, "maximum": MAX_INT64},
            {"const": "", "description": "None: as without the header"},
        ]
    },
    REVISION: {"type": "integer", "minimum": 0},
    hdrs.ETAG: {"type": "string", "pattern": rf"^{ENTITY_TAG}$"},
    TTL: {"type": "number"},
    hdrs.RETRY_AFTER: {"type": "integer", "minimum": 1},
    hdrs.ACCEPT_ENCODING: {"type": "string"},
}


def document(routes: Sequence[Route], limits: Settings) -> bytes:
    """The document, as JSON."""
    documented = [
        (route, route.operation) for route in routes if route.operation is not None
    ]
    builder = _Builder([operation for _, operation in documented], limits)
    for route, operation in documented:
        builder.add(route, operation)
    return msgspec.json.encode(builder.document())


class _Builder:
    """The parts of the document: the paths, and the schemas that they refer to."""

    def __init__(self, operations: Sequence[Operation], limits: Settings) -> None:
        self._limits = limits
        self._paths: dict[str, dict[str, Schema]] = {}
        shapes = [
            shape
            for operation in operations
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
                "version": "1",
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

    def add(self, route: Route, operation: Operation) -> None:
        path, parameter = _template(route.path)
        resource = route.handler.__module__.rpartition(".")[2]
        described: Schema = {
            "operationId": f"{resource}_{route.handler.__name__}",
            "summary": operation.summary,
            "tags": [resource],
            "parameters": self._parameters(operation, parameter),
            "responses": self._responses(
                operation, with_token=route.authenticate is not None
            ),
        }
        if route.authenticate is not None:
            described["security"] = [{"token": []}]
        if route.authenticate is by_token_or_ticket:
            described["security"].append({"ticket": []})
        if operation.body is not None:
            described["requestBody"] = self._request_body(operation)
        methods = self._paths.setdefault(path, {})
        methods[route.method.lower()] = described
        if route.method == hdrs.METH_GET and route.has_head:
            methods["head"] = _without_bodies(described)

    def _request_body(self, operation: Operation) -> Schema:
        content = {
            "schema": self._schema(operation.body),
            "example": operation.example,
        }
        return {"required": True, "content": {JSON: content}}

    def _parameters(self, operation: Operation, in_path: str) -> list[Schema]:
        found: list[Schema] = []
        if in_path:
            schema = self._filled({"type": "string", **KEY})
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
                if UNDOCUMENTED not in schema
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
            success["content"][EVENT_STREAM] = {"schema": EVENT}
        if operation.reply_headers:
            success["headers"] = {
                str(name): {"schema": HEADERS[name], "required": name != TTL}
                for name in operation.reply_headers
            }
        responses = {str(int(status)): success}
        if hdrs.ETAG in operation.reply_headers and operation.reply is not None:
            responses["304"] = {"description": HTTPStatus.NOT_MODIFIED.phrase}
        raised: list[type[errors.Problem]] = [*OF_ROUTES, *operation.raises]
        if operation.body is not None:
            raised += OF_BODIES
        if with_token:
            raised += OF_TOKENS
        for status in sorted({kind.status for kind in raised}):
            codes = [kind.code for kind in set(raised) if kind.status == status]
            responses[str(int(status))] = _problem(status, sorted(codes))
        return responses

    def _schema(self, shape: Any) -> Schema:
        (schema,), _ = msgspec.json.schema_components([shape], ref_template=REFERENCE)
        return schema

    def _completed(self, schema: Schema) -> Schema:
        """A schema with the settings' limits and its required members, unmarked."""
        for name, member in schema.get("properties", {}).items():
            if member.pop(REQUIRED, False):
                del member["default"]
                member["anyOf"].remove({"type": "null"})
                schema["required"].append(name)
        filled: Schema = self._filled(schema)
        return filled

    def _filled(self, part: Any) -> Any:
        match part:
            case {"anyOf": kinds, **rest}:
                shown = [self._filled(k) for k in kinds if UNDOCUMENTED not in k]
                kind = shown[0] if len(shown) == 1 else {"anyOf": shown}
                return self._filled(rest) | kind
            case dict():
                return {name: self._filled(value) for name, value in part.items()}
            case list():
                return [self._filled(value) for value in part]
            case str() if part.startswith("$max_"):
                return getattr(self._limits, part[1:])
        return part


def _template(path: str) -> tuple[str, str]:
    """A route's path without the pattern of its parameter, and the parameter."""
    fixed, _, pattern = path.partition("{")
    parameter, _, _ = pattern.removesuffix("}").partition(":")
    return f"{fixed}{{{parameter}}}" if parameter else path, parameter


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
