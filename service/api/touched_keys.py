"""The number of keys that a request touches, for the metrics and the access log."""

from typing import Literal

from aiohttp import web

from service.api.context import METRICS
from service.web.access_lines import TOUCHED


def note_touched(
    request: web.Request,
    operation: Literal["read", "write", "delete", "increment"],
    count: int = 1,
) -> None:
    """Notes the keys of a call that has succeeded."""
    request.app[METRICS].keys_touched.add(operation, amount=count)
    request[TOUCHED] = count
