"""Parsing of the requests of administrators."""

from typing import NamedTuple

import msgspec

from service.api.parsing.account_bodies import check_new_credentials
from service.api.parsing.json_body import decode
from service.api.parsing.keys import check_key_length
from service.api.schemas.requests import (
    AccountChangeBody,
    EndTokensBody,
    NewAccountBody,
)
from service.auth.credentials import Credentials, check_password
from service.errors import InvalidRequest
from service.model import AccountChanges, Grant
from service.settings import MAX_GRANTS, Settings


class NewAccount(NamedTuple):
    """An account to create.

    :ivar grants: None: the default grants
    """

    credentials: Credentials
    grants: list[Grant] | None
    administrator: bool


class AccountChange(NamedTuple):
    """A change of an account.

    :ivar changes: all but the password, which is to be hashed
    :ivar password: None: it stays as it is
    """

    changes: AccountChanges
    password: str | None
    keeps_access_tokens: bool


def parse_new_account(body: bytes, limits: Settings) -> NewAccount:
    """The account to create.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: a member is unknown or malformed, or breaks a limit
    :raises InvalidKey: the prefix of a grant is longer than a key may be
    :raises CredentialsRequired: the name or the password is missing or empty
    """
    given = decode(body, NewAccountBody)
    credentials = check_new_credentials(given)
    grants = _checked(given.grants, limits)
    return NewAccount(credentials, grants, given.administrator)


def parse_account_change(body: bytes, limits: Settings) -> AccountChange:
    """The change of an account.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: a member is unknown or malformed, or breaks a limit
    :raises InvalidKey: the prefix of a grant is longer than a key may be
    """
    given = decode(body, AccountChangeBody)
    password = given.password or None
    if password is not None:
        check_password(password, "/password")
    elif given.password == "":
        raise InvalidRequest("/password is empty")
    changes = AccountChanges(
        disabled=None if given.disabled is msgspec.UNSET else given.disabled,
        grants=_checked(given.grants, limits),
        administrator=(
            None if given.administrator is msgspec.UNSET else given.administrator
        ),
    )
    return AccountChange(changes, password, given.keep_access_tokens)


def parse_end_tokens(body: bytes) -> bool:
    """Whether access tokens stay valid; the body may be missing.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: a member is unknown or malformed
    """
    return bool(body) and decode(body, EndTokensBody).keep_access_tokens


def _checked(
    grants: list[Grant] | msgspec.UnsetType, limits: Settings
) -> list[Grant] | None:
    if grants is msgspec.UNSET:
        return None
    if len(grants) > MAX_GRANTS:
        raise InvalidRequest(
            f"/grants has {len(grants)} grants, the limit is {MAX_GRANTS}"
        )
    for i, grant in enumerate(grants):
        check_key_length(grant.prefix, limits, f"/grants/{i}/prefix")
    return grants
