"""Tickets: JWTs for event streams only, which browsers pass in the URL.

An EventSource cannot send the header `Authorization`. Browsers and proxies keep URLs in
histories and logs: so a ticket is signed with a key of its own and valid for no other
route.
"""

import hashlib
import hmac
import time

from service.auth.signer import Signer, Verified
from service.errors import TokenExpired, TokenInvalid
from service.model import Caller

#: Seconds. An EventSource reconnects to the same URL, so a ticket is valid for several
#: connections, but not for as long as a token can be.
MAX_TTL = 3600

AUDIENCE = "changes"


class Tickets:
    """An issuer and verifier of tickets.

    :param previous: a secret that no longer signs, but whose tickets are valid
    """

    def __init__(self, secret: str, previous: str = "") -> None:
        self._signer = Signer(
            _key(secret),
            previous and _key(previous),
            AUDIENCE,
            allows_access_tokens=True,
        )

    def issue(self, caller: Caller, token_expires_at: float) -> tuple[str, int]:
        """Issues a ticket; returns it and the seconds that it is valid for.

        It is revoked together with the token.
        """
        now = int(time.time())
        expires_at = int(min(token_expires_at, now + MAX_TTL))
        return self._signer.sign(caller, expires_at), max(0, expires_at - now)

    async def verify(self, ticket: str) -> Verified:
        """Verifies a ticket.

        :raises TokenExpired: the ticket has expired
        :raises TokenInvalid: the ticket is not valid
        """
        try:
            return await self._signer.verify(ticket)
        except TokenExpired:
            raise TokenExpired(
                "The ticket has expired: get another one from POST /api/tickets"
            ) from None
        except TokenInvalid:
            raise TokenInvalid("The ticket is not valid") from None


def _key(secret: str) -> str:
    """Derives the tickets' key from the tokens' secret.

    The secret signs JWTs, which contain dots: none of them equals `ticket`.
    """
    return hmac.new(secret.encode(), b"ticket", hashlib.sha256).hexdigest()
