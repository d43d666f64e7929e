"""Rules for user names and passwords."""

import unicodedata
from typing import NamedTuple

from service.errors import InvalidRequest, quoted

MAX_USERNAME = 64  # characters, in NFC
MAX_DECOMPOSED = 4  # characters that become one in NFC (UAX #15, expansion factors)
MAX_PASSWORD = 1024  # bytes


class Credentials(NamedTuple):
    username: str
    password: str


def check_new_username(username: str) -> None:
    """What an account created before this rule may break.

    lua/kv/accounts/names.lua is the same rule for the operators' console.

    :param username: as `check_credentials` returns it
    :raises InvalidRequest: white space surrounds it
    """
    if username != username.strip():
        raise InvalidRequest(
            f"/username is {quoted(username)}, with white space at an end"
        )


def check_credentials(username: str, password: str) -> Credentials:
    """The name in NFC, so that one name is one account however it was typed.

    :raises InvalidRequest: a limit of the name or the password is not kept
    """
    # normalising takes the square of the length of a run of combining marks
    if len(username) <= MAX_USERNAME * MAX_DECOMPOSED:
        username = unicodedata.normalize("NFC", username)
    if len(username) > MAX_USERNAME:
        raise InvalidRequest(
            f"/username is {len(username)} characters long, the limit is {MAX_USERNAME}"
        )
    if not username.isprintable():
        raise InvalidRequest("/username has a character that is not printable")
    return Credentials(username, check_password(password, "/password"))


def check_password(given: str, where: str) -> str:
    """:raises InvalidRequest: it is too long"""
    size = len(given.encode())
    if size > MAX_PASSWORD:
        raise InvalidRequest(
            f"{where} is {size} bytes long, the limit is {MAX_PASSWORD}"
        )
    return given
