"""What handlers note for the audit log: `web.audit_lines` writes it."""

import contextlib
from collections.abc import AsyncIterator, Iterator, Sequence

from aiohttp import web
from aiohttp.typedefs import Handler

from service.api.context import AUDIT_LINES, STORAGE
from service.auth.access_tokens import is_access_token
from service.auth.tokens import known_caller_of
from service.errors import (
    InvalidCredentials,
    Overloaded,
    Problem,
    TooManyAttempts,
    UserExists,
)
from service.web.audit_lines import NOTES

#: Refusals of a login that is well-formed, by a service that works.
LOGIN_REFUSALS = (InvalidCredentials, TooManyAttempts, Overloaded)


def audited(handler: Handler) -> Handler:
    """The handler, whose requests are in the audit log if that is enabled."""

    async def handle(request: web.Request) -> web.StreamResponse:
        lines = request.app.get(AUDIT_LINES)
        if lines is None:
            return await handler(request)
        lines.expect(request)
        try:
            response = await handler(request)
        except Problem:
            await _note_access_token(request)
            raise
        await _note_access_token(request)
        return response

    return handle


async def _note_access_token(request: web.Request) -> None:
    """Notes the access token of the caller and its account: only the storage knows."""
    caller = known_caller_of(request)
    if caller is not None and is_access_token(caller):
        with contextlib.suppress(Problem):  # it is not valid any more
            account = await request.app[STORAGE].account(caller)
            note_audit(
                request, user=account.username, access_token=account.access_token
            )


def note_audit(
    request: web.Request,
    *,
    user: str | None = None,
    access_token: int | None = None,
    target: str | int | None = None,
    changed: Sequence[str] = (),
) -> None:
    """Adds to the line of a request, whether or not the request succeeds.

    :param user: the account that calls, if no token names it
    :param access_token: the id of the access token that the caller has used
    :param target: another account, or the id of an access token
    :param changed: names of the members that the request changes
    """
    notes = request.get(NOTES)
    if notes is None:
        return
    if user is not None:
        notes.user = user
    if access_token is not None:
        notes.access_token = access_token
    if target is not None:
        notes.target = target
    if changed:
        notes.changed = sorted(changed)


@contextlib.contextmanager
def noting_sign_up(request: web.Request, username: str) -> Iterator[None]:
    """The context of a sign-up, whose name is noted if an account has it."""
    try:
        yield
    except UserExists:
        note_audit(request, user=username)
        raise
    note_audit(request, user=username)


@contextlib.asynccontextmanager
async def noting_login(request: web.Request, username: str) -> AsyncIterator[None]:
    """The context of a login, whose account is noted if it exists.

    People type passwords into the field of the name. So a failed login is looked up,
    also one that was refused before its account was read. That takes the same time
    whether or not the account exists.
    """
    try:
        yield
    except LOGIN_REFUSALS:
        if NOTES in request:
            with contextlib.suppress(Problem):
                if await request.app[STORAGE].has_user(username):
                    note_audit(request, user=username)
        raise
    note_audit(request, user=username)
