"""Tickets: credentials for a URL, because an EventSource sends no headers."""

import msgspec
from aiohttp import web

from service.api.bodies import read_body
from service.api.context import STORAGE, TICKETS
from service.api.parsing.account_bodies import parse_nothing
from service.api.schemas.replies import Ticket
from service.auth.tokens import caller_of, expiry_of
from service.web.responses import json_reply


async def create(request: web.Request) -> web.Response:
    parse_nothing(await read_body(request))
    caller = caller_of(request)
    account = await request.app[STORAGE].account(caller)
    token_expires_at = account.token_expires_at or expiry_of(request)
    ticket, expires_in = request.app[TICKETS].issue(caller, token_expires_at)
    return json_reply(msgspec.json.encode(Ticket(ticket, expires_in)))
