"""If-Match and If-None-Match (RFC 9110, section 13) as conditions on a revision."""

import re
from collections.abc import Iterator

from aiohttp import hdrs, web

from service.errors import InvalidRequest
from service.model import Condition

PRECONDITIONS = (hdrs.IF_MATCH, hdrs.IF_NONE_MATCH)

#: Stands for every entity tag.
ANY_TAG = "*"

#: An entity tag (RFC 9110, section 8.8.3), and a list of them, which may have empty
#: elements (section 5.6.1).
ENTITY_TAG = r'(?:W/)?"[^\x00-\x20\x22\x7f]*"'
ENTITY_TAGS = re.compile(rf"[ \t,]*{ENTITY_TAG}(?:[ \t]*,[ \t,]*{ENTITY_TAG})*[ \t,]*")

#: The entity tag of a revision. No other tag matches anything.
REVISION_TAG = re.compile(r'"([1-9][0-9]{0,17})"')


def etag(revision: int) -> str:
    return f'"{revision}"'


def if_match(request: web.Request, key: str) -> list[Condition]:
    """The conditions that `If-Match` sets.

    :raises InvalidRequest: the header is not a list of entity tags
    """
    given = _field(request, hdrs.IF_MATCH)
    if given is None:
        return []
    if given == ANY_TAG:
        return [Condition(key, [None], among=False)]
    # unlike in section 13.1.1, a weak tag matches too: a proxy that compresses weakens
    # the tags, and a tag stands for a revision, not for the bytes of a reply
    return [Condition(key, list(_tags(given)))]


def if_none_match(request: web.Request, key: str) -> list[Condition]:
    """The conditions that `If-None-Match` sets.

    :raises InvalidRequest: the header is not a list of entity tags
    """
    given = _field(request, hdrs.IF_NONE_MATCH)
    if given is None:
        return []
    if given == ANY_TAG:
        return [Condition(key, [None])]
    return [Condition(key, list(_tags(given)), among=False)]


def _field(request: web.Request, name: str) -> str | None:
    lines = request.headers.getall(name, None)
    if lines is None:
        return None
    given = ", ".join(lines).strip(" \t")
    if given != ANY_TAG and not ENTITY_TAGS.fullmatch(given):
        raise InvalidRequest(
            f'The header {name} must be * or a list of entity tags like "12"'
        )
    return given


def _tags(given: str) -> Iterator[int]:
    return map(int, REVISION_TAG.findall(given))
