"""Health checks: liveness of the process, readiness of its storage."""

import msgspec
from aiohttp import web

from service.api.context import STORAGE
from service.api.schemas.replies import Status
from service.errors import StorageUnavailable
from service.web.responses import json_reply

ALIVE = msgspec.json.encode(Status("alive"))
READY = msgspec.json.encode(Status("ready"))


async def livez(request: web.Request) -> web.Response:
    return json_reply(ALIVE)


async def readyz(request: web.Request) -> web.Response:
    if not await request.app[STORAGE].is_ready():
        raise StorageUnavailable()
    return json_reply(READY)
