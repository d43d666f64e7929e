"""The OpenAPI 3.1 document, from the route table and the structs of the schemas."""

from collections.abc import Sequence

import msgspec
from aiohttp import hdrs

from service import __version__
from service.api.authentication import by_session, by_token_or_ticket
from service.api.openapi.components import Components, Schema
from service.api.openapi.headers import HEADERS
from service.api.openapi.operations import Operation
from service.api.openapi.responses import JSON, responses_of
from service.api.routes import Route
from service.api.schemas.members import KEY, UNDOCUMENTED
from service.api.schemas.replies import Problem
from service.model import MAX_INT64
from service.settings import Settings

#: The parameters of paths, by their names.
IN_PATH: dict[str, Schema] = {
    "key": {
        "schema": {"type": "string", **KEY},
        "examples": {"nested": {"value": "config/colour"}},
    },
    "id": {"schema": {"type": "integer", "minimum": 0, "maximum": MAX_INT64}},
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
        self._paths: dict[str, dict[str, Schema]] = {}
        shapes = [
            shape
            for operation in operations
            for shape in (operation.reply, operation.body)
            if shape is not None
        ]
        self._components = Components([Problem, *shapes], limits)

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
                "schemas": self._components.schemas,
                "securitySchemes": {
                    "token": {
                        "type": "http",
                        "scheme": "bearer",
                        "bearerFormat": "JWT",
                        "description": "From POST /api/login; or an access token, "
                        "except for accounts and tokens",
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
            "responses": responses_of(
                operation,
                self._components,
                reads_body=route.method != hdrs.METH_GET,
                with_token=route.authenticate is not None,
                needs_session=route.authenticate is by_session,
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
            "schema": self._components.reference(operation.body),
            "example": operation.example,
        }
        return {
            "required": not operation.is_body_optional,
            "content": {operation.body_type or JSON: content},
        }

    def _parameters(self, operation: Operation, in_path: str) -> list[Schema]:
        found: list[Schema] = []
        if in_path:
            described = self._components.filled(IN_PATH[in_path])
            found.append({"name": in_path, "in": "path", "required": True, **described})
        if operation.query is not None:
            query = self._components.filled(msgspec.json.schema(operation.query))
            (shape,) = query["$defs"].values()
            required = shape.get("required", ())
            found += [
                {
                    "name": name,
                    "in": "query",
                    "required": name in required,
                    "schema": schema,
                }
                for name, schema in shape["properties"].items()
                if UNDOCUMENTED not in schema
            ]
        found += [
            {"name": str(name), "in": "header", "schema": HEADERS[name]}
            for name in operation.headers
        ]
        return found


def _template(path: str) -> tuple[str, str]:
    """A route's path without the pattern of its parameter, and the parameter."""
    fixed, _, pattern = path.partition("{")
    parameter, _, _ = pattern.removesuffix("}").partition(":")
    return f"{fixed}{{{parameter}}}" if parameter else path, parameter


def _without_bodies(described: Schema) -> Schema:
    return described | {
        "operationId": f"{described['operationId']}_head",
        "responses": {
            status: {name: part for name, part in response.items() if name != "content"}
            for status, response in described["responses"].items()
        },
    }
