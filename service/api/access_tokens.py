"""Access tokens: credentials for programs that must not hold a password."""

import msgspec
from aiohttp import web

from service.api.accounts import confirm_password
from service.api.audit import note_audit
from service.api.bodies import read_body
from service.api.context import SETTINGS, STORAGE
from service.api.parsing.access_tokens import parse_access_token, parse_token_id
from service.api.parsing.account_bodies import parse_nothing
from service.api.parsing.queries import refuse_query
from service.api.schemas.replies import (
    SUCCESS,
    AccessToken,
    AccessTokens,
    NewAccessToken,
)
from service.auth.access_tokens import hash_of, new_access_token
from service.auth.tokens import caller_of
from service.web.responses import json_reply


async def create(request: web.Request) -> web.Response:
    password, new = parse_access_token(await read_body(request), request.app[SETTINGS])
    await confirm_password(request, password)
    token = new_access_token()
    created = await request.app[STORAGE].access_tokens.create(
        caller_of(request), hash_of(token), new
    )
    note_audit(request, target=created.id)
    shown = NewAccessToken(
        created.id,
        token,
        created.name,
        created.grants,
        created.created_at,
        created.expires_at,
    )
    return json_reply(msgspec.json.encode(shown))


async def list_tokens(request: web.Request) -> web.Response:
    refuse_query(request.rel_url.raw_query_string)
    found = await request.app[STORAGE].access_tokens.list(caller_of(request))
    shown = AccessTokens([AccessToken(*token) for token in found])
    return json_reply(msgspec.json.encode(shown))


async def delete(request: web.Request) -> web.Response:
    token_id = parse_token_id(request.match_info["id"])
    note_audit(request, target=token_id)
    parse_nothing(await read_body(request))
    await request.app[STORAGE].access_tokens.delete(caller_of(request), token_id)
    return json_reply(SUCCESS)
