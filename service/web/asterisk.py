"""The target `*` of OPTIONS, which stands for the whole server (RFC 9110, 9.3.7)."""

from aiohttp import web

ASTERISK = "*"


class Asterisk(web.PlainResource):
    """The resource of `*`: aiohttp has resources for paths only. Relies on `_path`."""

    def __init__(self) -> None:
        super().__init__("")
        self._path = ASTERISK
