"""The schemas of the structs, with the limits that the settings give."""

from collections.abc import Iterable
from typing import Any

import msgspec

from service.api.schemas.members import REQUIRED, SUFFICIENT, UNDOCUMENTED
from service.settings import Settings

REFERENCE = "#/components/schemas/{name}"

Schema = dict[str, Any]


class Components:
    """The schemas that the document has once, and references to them."""

    def __init__(self, shapes: Iterable[Any], limits: Settings) -> None:
        self._limits = limits
        _, components = msgspec.json.schema_components(shapes, ref_template=REFERENCE)
        self.schemas = {
            name: self._completed(schema) for name, schema in components.items()
        }

    def reference(self, shape: Any) -> Schema:
        """The schema that refers to the one of a struct."""
        (schema,), _ = msgspec.json.schema_components([shape], ref_template=REFERENCE)
        return schema

    def filled(self, schema: Schema) -> Schema:
        """A schema with the settings' limits, without its undocumented parts."""
        filled: Schema = self._filled(schema)
        return filled

    def _completed(self, schema: Schema) -> Schema:
        """A schema with the settings' limits and its required members, unmarked."""
        sufficient = []
        for name, member in schema.get("properties", {}).items():
            if member.pop(REQUIRED, False):
                del member["default"]
                member["anyOf"].remove({"type": "null"})
                schema["required"].append(name)
            if shape := member.pop(SUFFICIENT, None):
                sufficient.append({"required": [name], "properties": {name: shape}})
        if sufficient:
            schema["anyOf"] = sufficient
        return self.filled(schema)

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
