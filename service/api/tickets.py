"""Tickets: what an EventSource, which sends no headers, is admitted with."""

import msgspec
from aiohttp import web

from service.api.bodies import body_alone
from service.api.context import STORAGE, TICKETS
from service.api.parsing.account_bodies import parse_nothing
from service.auth.tokens import CALLER, EXPIRES_AT
from service.web.responses import json_reply


async def create(request: web.Request) -> web.Response:
    parse_nothing(await body_alone(request))
    await request.app[STORAGE].account(request[CALLER])
    ticket, expires_in = request.app[TICKETS].issue(
        request[CALLER], request[EXPIRES_AT]
    )
    made = {"ticket": ticket, "expires_in": expires_in}
    return json_reply(msgspec.json.encode(made))
