"""Access tokens: random secrets for programs, which the storage verifies.

The storage has only their hashes: a copy of it contains no token. The hash needs no
salt and no slow function, unlike that of a password: nobody guesses 256 random bits.
"""

import hashlib
import math
import re
import secrets
from functools import lru_cache

from service.auth.signer import MAX_CACHED, Verified
from service.errors import TokenInvalid
from service.model import Caller

#: Tells an access token from a JWT, and lets scanners find one that has leaked.
PREFIX = "kvt_"

RANDOM_BYTES = 32

#: The random bytes in base64url, without padding.
FORM = re.compile(PREFIX + r"[A-Za-z0-9_-]{43}")


def new_access_token() -> str:
    """Generates an access token."""
    return PREFIX + secrets.token_urlsafe(RANDOM_BYTES)


def hash_of(token: str) -> str:
    """The hash by which the storage knows an access token."""
    return hashlib.sha256(token.encode()).hexdigest()


@lru_cache(MAX_CACHED)
def _caller(token: str) -> Verified:
    if not FORM.fullmatch(token):
        raise TokenInvalid(
            "The access token is malformed: it was not copied as a whole"
        )
    return Verified(Caller("", hash_of(token)), math.inf)


async def verified(token: str) -> Verified:
    """The caller that an access token stands for, if the storage knows it.

    :raises TokenInvalid: it is malformed
    """
    return _caller(token)


def is_access_token(caller: Caller) -> bool:
    """Whether the caller has an access token, not a token of a login."""
    return isinstance(caller.credentials_version, str)
