"""Targets with a fault made on purpose, which the fuzzer must find."""

from collections.abc import Iterator
from functools import partial

import jwt

from service.api.parsing.import_lines import Entry, ImportLines
from service.api.parsing.values import parse_value
from service.auth.signer import Verified
from service.auth.tokens import Tokens
from service.errors import TokenInvalid
from service.model import Caller
from service.settings import Settings
from tests.fuzz import targets


def _without_spaces(body: bytes, limits: Settings) -> str:
    """Removes spaces: a value is not returned byte for byte."""
    return parse_value(body, limits).replace(" ", "")


class Forgetful(ImportLines):
    """Loses the beginning of a line that is cut."""

    def feed(self, piece: bytes) -> Iterator[Entry]:
        self._parts.clear()
        yield from super().feed(piece)


class Trusting(Tokens):
    """Accepts a token with any signature."""

    async def verify(self, authorization: str | None) -> Verified:
        token = (authorization or "").partition(" ")[2]
        try:
            claims = jwt.decode(token, options={"verify_signature": False})
            return Verified(Caller(claims["sub"], claims["ver"]), claims["exp"])
        except (jwt.InvalidTokenError, KeyError, ValueError, TypeError):
            raise TokenInvalid() from None


body = partial(
    targets.body, parsers={b"v": partial(targets.value, parse=_without_spaces)}
)
token = partial(targets.token, verifier=Trusting(targets.SECRET, 3600))
lines = partial(targets.lines, parser=Forgetful)
