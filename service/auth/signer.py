"""Signed JWTs, which tokens and tickets share: issued, verified, cached.

A JWT names the secret that signed it (`kid`, RFC 7515, section 4.1.4), so that the
secret can be changed while JWTs of the previous one are still valid.
"""

import base64
import hashlib
import time
from typing import Annotated, Any, NamedTuple

import jwt
import msgspec
from msgspec import Meta

from service.auth.jwt_verifier import ALGORITHM, JWTVerifier
from service.errors import TokenInvalid
from service.model import MAX_INT64, Caller

#: A collision would only make one of two secrets unusable during a rotation.
KEY_ID_BYTES = 6

#: Verified JWTs in the cache: to verify one takes longer than the rest of a request.
MAX_CACHED = 10_000

#: Characters of a JWT in the cache. The service issues no longer one, but a client can
#: encode the same content in any length.
MAX_CACHED_LENGTH = 2048


class Verified(NamedTuple):
    """The content of a verified JWT, or of an access token.

    :ivar expires_at: seconds since 1970
    """

    caller: Caller
    expires_at: float


class Claims(msgspec.Struct):
    """The claims that the service puts into its JWTs.

    :ivar sub: the name of the account; empty in the ticket of an access token
    :ivar ver: the version of its credentials, or the hash of the access token
    """

    sub: str
    ver: (
        Annotated[int, Meta(ge=0, le=MAX_INT64)]
        | Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
    )
    exp: int


def key_id(secret: str) -> str:
    """Identifies a secret; reveals as little about it as a signature does."""
    digest = hashlib.sha256(b"kid:" + secret.encode()).digest()
    return base64.urlsafe_b64encode(digest[:KEY_ID_BYTES]).decode()


class Signer:
    """A signer and verifier of JWTs of one kind.

    :param previous: a secret that no longer signs, but whose JWTs are valid
    :param audience: the kind; a JWT of another kind is invalid
    :param allows_access_tokens: whether one may be issued for an access token
    """

    def __init__(
        self,
        secret: str,
        previous: str = "",
        audience: str | None = None,
        *,
        allows_access_tokens: bool = False,
    ) -> None:
        self._secret = secret
        self._kid = key_id(secret)
        self._allows_access_tokens = allows_access_tokens
        self._audience = {} if audience is None else {"aud": audience}
        self._verifiers = {
            key_id(each): JWTVerifier(each, audience)
            for each in (previous, secret)
            if each
        }
        self._verified: dict[str, Verified] = {}  # the oldest first

    def sign(self, caller: Caller, expires_at: int) -> str:
        """Issues a JWT.

        :param expires_at: seconds since 1970
        """
        claims = {
            "sub": caller.username,
            "ver": caller.credentials_version,
            # without `iat`: PyJWT refuses one in the future, which occurs when the
            # clock of another instance is ahead
            "exp": expires_at,
            **self._audience,
        }
        return jwt.encode(claims, self._secret, ALGORITHM, {"kid": self._kid})

    async def verify(self, token: str) -> Verified:
        """Verifies a JWT, or finds it in the cache of verified ones.

        :raises TokenExpired: it has expired
        :raises TokenInvalid: it is malformed, of another kind or of an unknown secret
        """
        known = self._verified.get(token)
        if known is not None and known.expires_at > time.time():
            return known
        known = await self._verify_signature(token)
        if len(token) <= MAX_CACHED_LENGTH:
            if len(self._verified) >= MAX_CACHED:
                del self._verified[next(iter(self._verified))]
            self._verified[token] = known
        return known

    async def _verify_signature(self, token: str) -> Verified:
        try:
            # a JWT without `kid` was issued by a version that had one secret only
            kid = jwt.get_unverified_header(token).get("kid", self._kid)
            verifier = self._verifiers[kid]
        except Exception:
            # KeyError: an unknown secret; for malformed JWTs PyJWT raises ValueError,
            # TypeError and RecursionError, too
            raise TokenInvalid() from None
        verified = _parse_claims(await verifier.payload_of(token))
        is_of_access_token = isinstance(verified.caller.credentials_version, str)
        if is_of_access_token and not self._allows_access_tokens:
            raise TokenInvalid()
        return verified


def _parse_claims(payload: dict[str, Any]) -> Verified:
    """Checks the types of the claims.

    :raises TokenInvalid: the claims are not those that the service issues
    """
    try:
        claims = msgspec.convert(payload, Claims)
    except (msgspec.ValidationError, UnicodeError):  # half of a surrogate pair
        raise TokenInvalid() from None
    if not claims.sub.isprintable():  # not a valid name, perhaps not even Unicode
        raise TokenInvalid()
    return Verified(Caller(claims.sub, claims.ver), claims.exp)
