"""Tokens, and how a caller is admitted.

A token names the secret that signed it (`kid`, RFC 7515, section 4.1.4), so that the
secret can be changed while tokens of the one before are still good.

aiohttp-jwt verifies. It is handed a stand-in for the request: with the request itself
it would let every OPTIONS pass, take `BearerX` for `Bearer` and store under a key that
aiohttp warns about. Its own replies, which carry the verifier's text, are not used.
"""

import base64
import hashlib
import logging
import time
from collections.abc import Coroutine
from operator import attrgetter
from typing import Annotated, Any, NamedTuple

import jwt
import msgspec
from aiohttp import hdrs, web
from aiohttp_jwt import JWTMiddleware
from msgspec import Meta

from service.errors import InvalidRequest, TokenExpired, TokenInvalid, TokenMissing
from service.model import Caller

ALGORITHM = "HS256"

#: A collision would only make one of two secrets useless for the time of a rotation.
KEY_ID_BYTES = 6

#: Verified tokens that are remembered: to verify one takes longer than all the rest of
#: a request. None of ours is longer than so many characters, but what decodes to a
#: token may be.
MAX_REMEMBERED, MAX_REMEMBERED_LENGTH = 10_000, 2048

# it logs a stack trace for every bad token
logging.getLogger("aiohttp_jwt").setLevel(logging.CRITICAL)


CALLER = web.RequestKey("caller", Caller)

#: When the caller's token ends, in seconds since 1970.
EXPIRES_AT = web.RequestKey("expires_at", int)


class Presented(dict[str, Any]):
    """A token in the shape of the request that aiohttp-jwt looks at."""

    method = hdrs.METH_POST

    def __init__(self, token: str) -> None:
        super().__init__()
        self.token = token


class Verified(NamedTuple):
    """What a good token says.

    :ivar expires_at: when it ends, in seconds since 1970
    """

    caller: Caller
    expires_at: int


class Claims(msgspec.Struct):
    """What a token of ours says beyond its signature."""

    sub: str
    ver: Annotated[int, Meta(ge=0, le=2**63 - 1)]
    exp: int


def key_id(secret: str) -> str:
    """Tells secrets apart; says as little of one as a signature with it does."""
    digest = hashlib.sha256(b"kid:" + secret.encode()).digest()
    return base64.urlsafe_b64encode(digest[:KEY_ID_BYTES]).decode()


class Signer:
    """JWTs of one kind: signs them and verifies them.

    :param previous: a secret that signs no more, but whose tokens are valid
    :param audience: of a kind that is accepted for one purpose only
    """

    def __init__(
        self, secret: str, previous: str = "", audience: str | None = None
    ) -> None:
        self._secret = secret
        self._kid = key_id(secret)
        self._extra = {} if audience is None else {"aud": audience}
        self._verifiers = {
            key_id(each): JWTMiddleware(
                each,
                algorithms=[ALGORITHM],
                token_getter=attrgetter("token"),
                audience=audience,
            )
            for each in (previous, secret)
            if each
        }
        self._verified: dict[str, Verified] = {}

    def sign(self, caller: Caller, expires_at: int) -> str:
        """:param expires_at: seconds since 1970"""
        claims = {
            "sub": caller.username,
            "ver": caller.credentials_version,
            # and no `iat`: PyJWT refuses one of the future, which a token has wherever
            # the clock is behind that of its issue
            "exp": expires_at,
            **self._extra,
        }
        return jwt.encode(claims, self._secret, ALGORITHM, {"kid": self._kid})

    async def verify(self, token: str) -> Verified:
        """:raises TokenExpired, TokenInvalid:"""
        known = self._verified.get(token)
        if known is not None and known.expires_at > time.time():
            return known
        known = await self._verified_afresh(token)
        if len(token) <= MAX_REMEMBERED_LENGTH:
            if len(self._verified) >= MAX_REMEMBERED:
                del self._verified[next(iter(self._verified))]
            self._verified[token] = known
        return known

    async def _verified_afresh(self, token: str) -> Verified:
        """:raises TokenExpired, TokenInvalid:"""
        presented = Presented(token)
        try:
            # without one it is of a time before there were two
            kid = jwt.get_unverified_header(presented.token).get("kid", self._kid)
            await self._verifiers[kid](presented, _accept)
        except Exception as error:
            # KeyError: no secret of ours. PyJWT answers some malformed tokens with a
            # ValueError, a TypeError or a RecursionError: whatever it is, it is bad
            if isinstance(error.__context__, jwt.ExpiredSignatureError):
                raise TokenExpired() from None
            raise TokenInvalid() from None
        return _said(presented["payload"])


class Tokens:
    """The tokens that callers send in the header `Authorization`.

    :param ttl: seconds
    :param previous: a secret that signs no more, but whose tokens are valid
    """

    def __init__(self, secret: str, ttl: int, previous: str = "") -> None:
        self._signer = Signer(secret, previous)
        self._ttl = ttl

    def issue(self, caller: Caller) -> str:
        return self._signer.sign(caller, int(time.time()) + self._ttl)

    def admit(self, request: web.Request) -> Coroutine[Any, Any, Verified]:
        """:raises InvalidRequest: the header is given more than once
        :raises TokenMissing, TokenExpired, TokenInvalid:
        """
        given = request.headers.getall(hdrs.AUTHORIZATION, ())
        if len(given) > 1:
            raise InvalidRequest(f"{len(given)} Authorization headers, expected one")
        return self.verify(given[0] if given else None)

    def verify(self, authorization: str | None) -> Coroutine[Any, Any, Verified]:
        """:raises TokenMissing, TokenExpired, TokenInvalid:"""
        if not authorization:
            raise TokenMissing()
        scheme, _, rest = authorization.partition(" ")
        if scheme.lower() != "bearer":
            raise TokenInvalid("The Authorization header must be: Bearer <token>")
        return self._signer.verify(rest.strip(" "))


async def _accept(_: Presented) -> None:
    """The handler that aiohttp-jwt goes on to: nothing is left to do."""


def _said(payload: dict[str, Any]) -> Verified:
    try:
        claims = msgspec.convert(payload, Claims)
    except (msgspec.ValidationError, UnicodeError):  # half of a surrogate pair
        raise TokenInvalid() from None
    if not claims.sub.isprintable():  # no name of ours, and perhaps not even Unicode
        raise TokenInvalid()
    return Verified(Caller(claims.sub, claims.ver), claims.exp)
