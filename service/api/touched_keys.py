"""The keys that a request touches, for the metrics and the access log."""

from aiohttp import web

from service.web.headers import KeyOperation


def note_touched(request: web.Request, *touched: tuple[KeyOperation, int]) -> None:
    """Notes the keys of a call that has succeeded, in place of an earlier note.

    :param touched: operations, and the number of keys of each
    """
    request.touched = touched
