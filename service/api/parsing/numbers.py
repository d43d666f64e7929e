"""Parsing of integers, and of revisions as text."""

import re

from service.errors import InvalidRequest, quoted
from service.model import MAX_INT64

#: From here on, a double stands for several integers.
MAX_EXACT = 2**53

REVISION_TEXT = re.compile(r"0|[1-9][0-9]{0,18}")


def exact_integer(number: float, where: str) -> int:
    """The integer that a JSON number is, such as 1 or 1.0.

    :param where: a JSON pointer to the number
    :raises InvalidRequest: it has a fraction, or is too large to be exact
    """
    if number != (integer := int(number)) or (
        isinstance(number, float) and abs(number) >= MAX_EXACT
    ):
        raise InvalidRequest(f"{where}: {number} is not an exact integer")
    return integer


def parse_revision(text: str, what: str) -> int:
    """The revision that a text states.

    :param what: names the text in the error
    :raises InvalidRequest: it is not a revision
    """
    if not REVISION_TEXT.fullmatch(text) or int(text) > MAX_INT64:
        raise InvalidRequest(f"{what} is {quoted(text)}, not a revision")
    return int(text)
