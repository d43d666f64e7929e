"""Tickets: signed like tokens, with a key of their own, for streams of changes only.

A ticket travels in a URL, which browsers and proxies keep in histories and logs: it is
of no use for any other call.
"""

import hashlib
import hmac
import time

from service.auth.tokens import Signer, Verified
from service.errors import TokenExpired, TokenInvalid
from service.model import Caller

#: Seconds: an EventSource reconnects to the same URL, so a ticket lasts for several
#: connections, but not as long as a token may.
MAX_TTL = 3600

AUDIENCE = "changes"


class Tickets:
    """:param previous: a secret whose tickets are still valid"""

    def __init__(self, secret: str, previous: str = "") -> None:
        self._signer = Signer(_key(secret), previous and _key(previous), AUDIENCE)

    def issue(self, caller: Caller, token_expires_at: int) -> tuple[str, int]:
        """A ticket, and the seconds that it is valid for."""
        now = int(time.time())
        expires_at = min(token_expires_at, now + MAX_TTL)
        return self._signer.sign(caller, expires_at), max(0, expires_at - now)

    async def verify(self, ticket: str) -> Verified:
        """:raises TokenExpired, TokenInvalid:"""
        try:
            return await self._signer.verify(ticket)
        except TokenExpired:
            raise TokenExpired(
                "The ticket has expired: get another one from POST /api/tickets"
            ) from None
        except TokenInvalid:
            raise TokenInvalid("The ticket is not valid") from None


def _key(secret: str) -> str:
    """Derived from the secret of tokens: a JWT contains a dot, so `ticket` is none."""
    return hmac.new(secret.encode(), b"ticket", hashlib.sha256).hexdigest()
