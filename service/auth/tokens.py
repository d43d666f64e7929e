"""Tokens that callers send in the header `Authorization`: JWTs, or access tokens."""

import time
from collections.abc import Coroutine
from typing import Any

from aiohttp import hdrs, web

from service.auth import access_tokens
from service.auth.signer import Signer, Verified
from service.errors import InvalidRequest, TokenInvalid, TokenMissing
from service.model import Caller


def note_caller(request: web.Request, verified: Verified) -> None:
    """Notes the content of the verified token of a request."""
    request.caller, request.expires_at = verified


def caller_of(request: web.BaseRequest) -> Caller:
    """The caller of a request whose token has been verified."""
    caller: Caller = request.caller  # type: ignore[attr-defined]  # of HeadedRequest
    return caller


def expiry_of(request: web.BaseRequest) -> float:
    """When the JWT or the ticket of a request expires, in seconds since 1970.

    Of an access token it is infinite: the storage knows when that expires.
    """
    expires_at: float = request.expires_at  # type: ignore[attr-defined]  # as above
    return expires_at


def known_caller_of(request: web.BaseRequest) -> Caller | None:
    """The caller of a request; None: no token of it has been verified."""
    return getattr(request, "caller", None)


def name_of_caller(request: web.BaseRequest) -> str | None:
    """The name of the account that the request's token names, if it has been verified.

    It may be revoked: that is checked by the storage. An access token names none.
    """
    caller = known_caller_of(request)
    return None if caller is None else caller.username or None


class Tokens:
    """An issuer and verifier of tokens.

    :param ttl: seconds
    :param previous: a secret that no longer signs, but whose tokens are valid
    """

    def __init__(self, secret: str, ttl: int, previous: str = "") -> None:
        self._signer = Signer(secret, previous)
        self._ttl = ttl

    def issue(self, caller: Caller) -> str:
        """Issues a token that is valid for `ttl` seconds."""
        return self._signer.sign(caller, int(time.time()) + self._ttl)

    def admit(self, request: web.Request) -> Coroutine[Any, Any, Verified]:
        """Verifies the token of a request.

        :raises InvalidRequest: the header is given more than once
        :raises TokenMissing: there is no token
        :raises TokenExpired: the token has expired
        :raises TokenInvalid: the token is not valid
        """
        given = request.headers.getall(hdrs.AUTHORIZATION, ())
        if len(given) > 1:
            raise InvalidRequest(f"{len(given)} Authorization headers, expected one")
        return self.verify(given[0] if given else None)

    def verify(self, authorization: str | None) -> Coroutine[Any, Any, Verified]:
        """Verifies the token in the value of the header.

        :raises TokenMissing: there is no token
        :raises TokenExpired: the token has expired
        :raises TokenInvalid: the token is not valid
        """
        if not authorization:
            raise TokenMissing()
        scheme, _, rest = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise TokenInvalid("The Authorization header must be: Bearer <token>")
        token = rest.strip(" ")
        if token.startswith(access_tokens.PREFIX):
            return access_tokens.verified(token)
        return self._signer.verify(token)
