"""The keys that a request touches, for the metrics and the access log."""

from aiohttp import web

from service.web.headers import KeyOperation


def note_touched(request: web.Request, operation: KeyOperation, count: int = 1) -> None:
    """Notes the keys of a call that has succeeded."""
    request.touched = operation, count
