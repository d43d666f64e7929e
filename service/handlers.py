"""A function a route: parse, one storage call, reply."""

import msgspec
from aiohttp import web

from service import schemas
from service.auth import CALLER, Tokens
from service.errors import (
    BodyTooLarge,
    InvalidCredentials,
    InvalidRequest,
    RegistrationClosed,
    StorageUnavailable,
)
from service.passwords import PasswordHasher
from service.settings import Settings
from service.storage import Caller, Storage

SETTINGS = web.AppKey("settings", Settings)
STORAGE = web.AppKey("storage", Storage)
PASSWORDS = web.AppKey("passwords", PasswordHasher)
TOKENS = web.AppKey("tokens", Tokens)

REVISION = "KV-Revision"


async def register(request: web.Request) -> web.Response:
    if request.app[SETTINGS].registration == "closed":
        raise RegistrationClosed()
    username, password = schemas.parse_credentials(await _body(request))
    password_hash = await request.app[PASSWORDS].hash(password)
    await request.app[STORAGE].create_user(username, password_hash)
    return _json(b'{"status":"User created successfully"}')


async def login(request: web.Request) -> web.Response:
    username, password = schemas.parse_credentials(await _body(request))
    user = await request.app[STORAGE].find_user(username)
    known_hash = user.password_hash if user else None
    if not await request.app[PASSWORDS].verify(password, known_hash) or user is None:
        raise InvalidCredentials()
    token = request.app[TOKENS].issue(Caller(username, user.credentials_version))
    return _json(msgspec.json.encode({"token": token}))


async def write(request: web.Request) -> web.Response:
    batch = schemas.parse_write(await _body(request), request.app[SETTINGS])
    revision = await request.app[STORAGE].put(request[CALLER], *batch)
    response = _json(b'{"status":"success"}')
    response.headers[REVISION] = str(revision)
    return response


async def read(request: web.Request) -> web.Response:
    settings = request.app[SETTINGS]
    keys = schemas.parse_read(await _body(request), settings)
    values = await request.app[STORAGE].get(request[CALLER], keys, settings.max_body)
    members = ",".join(
        f"{_encode_key(key)}:{value}"
        for key, value in zip(keys, values, strict=True)
        if value is not None
    )
    return _json(f'{{"data":{{{members}}}}}'.encode())


async def livez(request: web.Request) -> web.Response:
    return _json(b'{"status":"alive"}')


async def readyz(request: web.Request) -> web.Response:
    if not await request.app[STORAGE].is_ready():
        raise StorageUnavailable()
    return _json(b'{"status":"ready"}')


def _encode_key(key: str) -> str:
    return msgspec.json.encode(key).decode()


def _json(body: bytes) -> web.Response:
    return web.Response(body=body, content_type="application/json")


async def _body(request: web.Request) -> bytes:
    """:raises BodyTooLarge, InvalidRequest:"""
    limit = request.client_max_size
    announced = request.content_length or 0
    if announced > limit:
        raise BodyTooLarge(f"The body is {announced} bytes long, the limit is {limit}")
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge:
        raise BodyTooLarge(
            f"The body is longer than {limit} bytes, the limit"
        ) from None
    except (web.RequestPayloadError, ConnectionError):
        raise InvalidRequest("The body does not arrive as its headers say") from None
