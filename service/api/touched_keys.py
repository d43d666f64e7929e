"""The keys that a request touches, for the metrics and the access log."""

from typing import get_args

from aiohttp import web

from service.web.headers import KeyOperation

#: What most requests note, made once.
ONE_KEY = {operation: ((operation, 1),) for operation in get_args(KeyOperation)}


def note_touched(request: web.Request, operation: KeyOperation, count: int = 1) -> None:
    """Notes the keys of a call that has succeeded."""
    noted = ONE_KEY[operation] if count == 1 else ((operation, count),)
    request.touched += noted  # type: ignore[attr-defined]
