"""Parsing of the bodies of requests about accounts."""

from typing import NamedTuple

from service.api.parsing.json_body import decode
from service.api.schemas.requests import (
    CredentialsBody,
    NoBody,
    PasswordBody,
    PasswordChangeBody,
)
from service.auth.credentials import (
    Credentials,
    check_credentials,
    check_new_username,
    check_password,
)
from service.errors import CredentialsRequired


class PasswordChange(NamedTuple):
    """A change of a password.

    :ivar old: the current one
    """

    old: str
    new: str
    keeps_access_tokens: bool


def parse_credentials(body: bytes) -> Credentials:
    """The user name and the password of an account.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: a member is unknown or malformed
    :raises CredentialsRequired: a member is missing or empty
    """
    return _checked(decode(body, CredentialsBody))


def parse_new_credentials(body: bytes) -> Credentials:
    """The credentials of an account that is to be created.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: a member is unknown or malformed
    :raises CredentialsRequired: a member is missing or empty
    """
    return check_new_credentials(decode(body, CredentialsBody))


def check_new_credentials(given: CredentialsBody) -> Credentials:
    """The same, of a body that is decoded.

    :raises InvalidRequest: the name or the password breaks a limit
    :raises CredentialsRequired: a member is missing or empty
    """
    credentials = _checked(given)
    check_new_username(credentials.username)
    return credentials


def _checked(given: CredentialsBody) -> Credentials:
    if not given.username or not given.password:
        raise CredentialsRequired()
    return check_credentials(given.username, given.password)


def parse_password(body: bytes) -> str:
    """The password that confirms a request.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: a member is unknown or malformed
    :raises CredentialsRequired: the password is missing or empty
    """
    given = decode(body, PasswordBody)
    if not given.password:
        raise CredentialsRequired("The password is required")
    return check_password(given.password, "/password")


def parse_password_change(body: bytes) -> PasswordChange:
    """The old password and the new one.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: a member is unknown or malformed
    :raises CredentialsRequired: a password is missing or empty
    """
    given = decode(body, PasswordChangeBody)
    if not given.password or not given.new_password:
        raise CredentialsRequired("The password and a new_password are required")
    return PasswordChange(
        check_password(given.password, "/password"),
        check_password(given.new_password, "/new_password"),
        given.keep_access_tokens,
    )


def parse_nothing(body: bytes) -> None:
    """Checks the body of a request that takes no members: none, or an empty object.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: it is not an empty object
    """
    if body:
        decode(body, NoBody)
