"""The signature check of JWTs: an adapter that calls aiohttp-jwt for a token alone.

aiohttp-jwt is a middleware for aiohttp: its only entry point is a coroutine that takes
a request, gets the token from it, verifies the token with PyJWT, stores the payload in
the request and calls the next handler. The adapter passes it a `TokenOnlyRequest` in
place of the client's request and keeps the payload. With the client's request it would
let every OPTIONS pass, accept `BearerX` as `Bearer`, and store the payload under a key
that aiohttp warns about. The error replies of aiohttp-jwt, which contain PyJWT's texts,
become `TokenExpired` and `TokenInvalid`.
"""

import logging
from operator import attrgetter
from typing import Any

import jwt
from aiohttp import hdrs
from aiohttp_jwt import JWTMiddleware

from service.errors import TokenExpired, TokenInvalid

ALGORITHM = "HS256"

# aiohttp-jwt logs a stack trace for every invalid token
logging.getLogger("aiohttp_jwt").setLevel(logging.CRITICAL)


class TokenOnlyRequest(dict[str, Any]):
    """A token with those parts of a request that aiohttp-jwt uses."""

    method = hdrs.METH_POST

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token


class JWTVerifier:
    """A verifier of the JWTs that were signed with one secret.

    :param audience: the claim `aud` that is required; None: none is allowed
    """

    def __init__(self, secret: str, audience: str | None = None) -> None:
        self._middleware = JWTMiddleware(
            secret,
            algorithms=[ALGORITHM],
            token_getter=attrgetter("token"),
            audience=audience,
        )

    async def payload_of(self, token: str) -> dict[str, Any]:
        """Verifies a token; returns its claims.

        :raises TokenExpired: the signature is valid, but the token has expired
        :raises TokenInvalid: the token is malformed or not signed with this secret
        """
        request = TokenOnlyRequest(token)
        try:
            await self._middleware(request, _next_handler)
        except Exception as error:
            # PyJWT answers some malformed tokens with a ValueError, a TypeError or a
            # RecursionError: any exception means that the token is invalid
            if isinstance(error.__context__, jwt.ExpiredSignatureError):
                raise TokenExpired() from None
            raise TokenInvalid() from None
        payload: dict[str, Any] = request["payload"]
        return payload


async def _next_handler(_: TokenOnlyRequest) -> None:
    """Does nothing: the payload is in the request."""
