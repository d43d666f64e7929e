"""The keys that a request touches, for the metrics and the access log."""

from typing import cast

from aiohttp import web

from service.web.headers import HeadedRequest, KeyOperation


def note_touched(request: web.Request, operation: KeyOperation, count: int = 1) -> None:
    """Notes the keys of a call that has succeeded."""
    cast(HeadedRequest, request).touched += ((operation, count),)
