"""Parsing of requests about access tokens."""

from typing import NamedTuple

from service.api.parsing.json_body import decode
from service.api.parsing.keys import check_key_length
from service.api.parsing.numbers import REVISION_TEXT, exact_integer
from service.api.schemas.members import MAX_TOKEN_TTL
from service.api.schemas.requests import AccessTokenBody
from service.auth.credentials import check_new_token_name, check_password
from service.errors import CredentialsRequired, InvalidRequest, NotFound, quoted
from service.model import MAX_INT64, NewAccessToken
from service.settings import Settings


class AccessTokenRequest(NamedTuple):
    """A request for a new access token, confirmed by the account's password."""

    password: str
    new: NewAccessToken


def parse_access_token(body: bytes, limits: Settings) -> AccessTokenRequest:
    """The access token to create.

    :raises InvalidJSON: the body is not JSON
    :raises InvalidRequest: a member is unknown, missing or malformed
    :raises InvalidKey: a prefix of the grants is longer than a key may be
    :raises CredentialsRequired: the password is missing or empty
    """
    given = decode(body, AccessTokenBody)
    if not given.password:
        raise CredentialsRequired("The password is required")
    password = check_password(given.password, "/password")
    name = check_new_token_name(given.name or "")
    for i, grant in enumerate(given.grants or ()):
        check_key_length(grant.prefix, limits, f"/grants/{i}/prefix")
    ttl = None
    if given.expires_in is not None:
        ttl = exact_integer(given.expires_in, "/expires_in")
        if not 1 <= ttl <= MAX_TOKEN_TTL:
            raise InvalidRequest(
                f"/expires_in is {ttl} s, the limits are 1 and {MAX_TOKEN_TTL}"
            )
    return AccessTokenRequest(password, NewAccessToken(name, given.grants, ttl))


def parse_token_id(text: str) -> int:
    """The id of an access token in a path.

    :raises NotFound: no token can have such an id
    """
    if not REVISION_TEXT.fullmatch(text) or int(text) > MAX_INT64:
        raise NotFound(f"The account has no access token {quoted(text)}")
    return int(text)
