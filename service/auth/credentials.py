"""Rules for user names and passwords."""

import unicodedata
from typing import NamedTuple

from service.errors import InvalidRequest, quoted

#: Characters, in NFC.
MAX_USERNAME = 64

#: Characters that NFC can compose into one (UAX #15, expansion factors).
MAX_DECOMPOSED = 4

#: Bytes.
MAX_PASSWORD = 1024


class Credentials(NamedTuple):
    """A user name and a password that keep the limits.

    :ivar username: in NFC
    """

    username: str
    password: str


def check_new_username(username: str) -> None:
    """Checks the rules for new names only: older accounts may break them.

    The operators' console has the same rule, in Lua.

    :param username: as `check_credentials` returns it
    :raises InvalidRequest: the name begins or ends with white space
    """
    _check_ends(username, "/username")


def check_new_token_name(name: str) -> str:
    """Checks the name of a new access token by the rules for user names.

    :return: the name in NFC
    :raises InvalidRequest: it is empty, breaks a limit, or has white space at an end
    """
    if not name:
        raise InvalidRequest("/name is missing or empty")
    name = _checked_name(name, "/name")
    _check_ends(name, "/name")
    return name


def _check_ends(name: str, where: str) -> None:
    if name != name.strip():
        raise InvalidRequest(f"{where} is {quoted(name)}, with white space at an end")


def check_credentials(username: str, password: str) -> Credentials:
    """Checks a name and a password; brings the name into NFC.

    :raises InvalidRequest: the name or the password breaks a limit
    """
    return Credentials(check_username(username), check_password(password, "/password"))


def check_username(username: str) -> str:
    """Checks a name; returns it in NFC.

    A name in NFC is the same account however it was typed.

    :raises InvalidRequest: the name breaks a limit
    """
    return _checked_name(username, "/username")


def normalized(text: str) -> str:
    """A name, or the beginning of one, in NFC; unchanged if it is too long for one."""
    # normalisation is quadratic in the length of a run of combining marks
    if len(text) <= MAX_USERNAME * MAX_DECOMPOSED:
        return unicodedata.normalize("NFC", text)
    return text


def _checked_name(name: str, where: str) -> str:
    """Checks a name; brings it into NFC.

    :param where: its JSON pointer
    :raises InvalidRequest: it breaks a limit
    """
    name = normalized(name)
    if len(name) > MAX_USERNAME:
        raise InvalidRequest(
            f"{where} is {len(name)} characters long, the limit is {MAX_USERNAME}"
        )
    if not name.isprintable():
        raise InvalidRequest(f"{where} has a character that is not printable")
    return name


def check_password(given: str, where: str) -> str:
    """Checks the length of a password.

    :param where: its name in the error, such as a JSON pointer to it
    :raises InvalidRequest: the password is too long
    """
    size = len(given.encode())
    if size > MAX_PASSWORD:
        raise InvalidRequest(
            f"{where} is {size} bytes long, the limit is {MAX_PASSWORD}"
        )
    return given
