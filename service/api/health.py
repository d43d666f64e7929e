"""Whether the process lives, and whether it can do its work."""

from aiohttp import web

from service.api.context import STORAGE
from service.errors import StorageUnavailable
from service.web.responses import json_reply


async def livez(request: web.Request) -> web.Response:
    return json_reply(b'{"status":"alive"}')


async def readyz(request: web.Request) -> web.Response:
    if not await request.app[STORAGE].is_ready():
        raise StorageUnavailable()
    return json_reply(b'{"status":"ready"}')
