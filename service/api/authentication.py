"""Authentication: the caller of a request, from its token or its ticket."""

from collections.abc import Awaitable, Callable

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler

from service.api.context import METRICS, TICKETS, TOKENS
from service.api.parsing.queries import parse_ticket
from service.api.sse import EVENT_STREAM, accepts_events
from service.auth.access_tokens import is_access_token
from service.auth.signer import Verified
from service.auth.tokens import note_caller
from service.errors import (
    InvalidRequest,
    SessionRequired,
    TokenExpired,
    TokenInvalid,
    TokenMissing,
    TokenRevoked,
)

#: Refusals of a request for its token or ticket: of its content, or of its account.
TOKEN_REFUSALS = (TokenMissing, TokenInvalid, TokenExpired, TokenRevoked)

#: Raises `Problem` for a request whose caller cannot be verified.
Authenticate = Callable[[web.Request], Awaitable[Verified]]


def by_token(request: web.Request) -> Awaitable[Verified]:
    """The caller that the token in the header `Authorization` names.

    :raises InvalidRequest: the header is given more than once
    :raises TokenMissing: there is no token
    :raises TokenExpired: the token has expired
    :raises TokenInvalid: the token is not valid
    """
    return request.app[TOKENS].admit(request)


async def by_session(request: web.Request) -> Verified:
    """The same, for what an access token has no right to.

    :raises SessionRequired: it is an access token
    """
    verified = await by_token(request)
    if is_access_token(verified.caller):
        note_caller(request, verified)  # for the audit log
        raise SessionRequired()
    return verified


async def by_token_or_ticket(request: web.Request) -> Verified:
    """The caller that a token names or, for an event stream, a ticket in the query.

    :raises InvalidRequest: there are both, or the query is malformed
    :raises TokenMissing: there is neither
    :raises TokenExpired: the token or the ticket has expired
    :raises TokenInvalid: it is not valid, or a ticket comes without an event stream
    """
    ticket = parse_ticket(request.rel_url.raw_query_string)
    if ticket is None:
        return await by_token(request)
    if hdrs.AUTHORIZATION in request.headers:
        raise InvalidRequest("A ticket and an Authorization header: send one of them")
    if not accepts_events(request):
        raise TokenInvalid(f"A ticket is for streams only (Accept: {EVENT_STREAM})")
    return await request.app[TICKETS].verify(ticket)


def authenticated(authenticate: Authenticate, handler: Handler) -> Handler:
    """The handler, called with requests whose caller is known."""

    async def handle(request: web.Request) -> web.StreamResponse:
        try:
            note_caller(request, await authenticate(request))
            return await handler(request)
        except TOKEN_REFUSALS as refused:
            reason = refused.code.removeprefix("token_")
            request.app[METRICS].tokens_refused.add(reason)
            raise

    return handle
