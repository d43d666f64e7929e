"""Health checks: liveness of the process, readiness of its storage."""

import msgspec
from aiohttp import web

from service.api.context import STORAGE
from service.api.schemas.replies import Status
from service.web.responses import json_reply

#: In the query of `/readyz`: it is enough that stale reads are answered.
READS = "reads"

ALIVE = msgspec.json.encode(Status("alive"))
READY = msgspec.json.encode(Status("ready"))


async def livez(request: web.Request) -> web.Response:
    return json_reply(ALIVE)


async def readyz(request: web.Request) -> web.Response:
    storage = request.app[STORAGE]
    if READS in request.query:
        await storage.check_ready_for_stale_reads()
    else:
        await storage.check_ready()
    return json_reply(READY)
