"""If-Match and If-None-Match as conditions on a revision."""

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from service.api.preconditions import etag, if_match, if_none_match
from service.errors import InvalidRequest
from service.model import Condition


def request_with(name: str, *lines: str) -> web.Request:
    headers = CIMultiDict([(name, line) for line in lines])
    return make_mocked_request("PUT", "/api/keys/k", headers=headers)


MATCHES = {
    "none": ([], []),
    "any": (["*"], [Condition("k", [None], among=False)]),
    "any, with spaces": ([" *\t"], [Condition("k", [None], among=False)]),
    "one": (['"12"'], [Condition("k", [12])]),
    "weak": (['W/"12"'], [Condition("k", [12])]),
    "list": (['"12", "13"'], [Condition("k", [12, 13])]),
    "two lines": (['"12"', '"13"'], [Condition("k", [12, 13])]),
    "empty places": ([', "12",, ,"13",'], [Condition("k", [12, 13])]),
    "another's tag": (['"abc"'], [Condition("k", [])]),
    "another's among ours": (['"abc", "12"'], [Condition("k", [12])]),
    "no revision": (['"0", "012", "1234567890123456789"'], [Condition("k", [])]),
    "an empty tag": (['""'], [Condition("k", [])]),
}


@pytest.mark.parametrize(("lines", "conditions"), MATCHES.values(), ids=MATCHES)
def test_if_match(lines: list[str], conditions: list[Condition]) -> None:
    assert if_match(request_with("If-Match", *lines), "k") == conditions


@pytest.mark.parametrize(("lines", "conditions"), MATCHES.values(), ids=MATCHES)
def test_if_none_match_is_the_opposite(
    lines: list[str], conditions: list[Condition]
) -> None:
    opposite = [
        Condition(each.key, each.revisions, among=not each.among) for each in conditions
    ]
    assert if_none_match(request_with("If-None-Match", *lines), "k") == opposite


@pytest.mark.parametrize(
    "line", ["", "12", "'12'", '"12', '12"', '"1 2"', '"12" "13"', '*, "12"', 'w/"12"']
)
def test_what_is_no_list_of_entity_tags_is_refused(line: str) -> None:
    for name, conditions in ("If-Match", if_match), ("If-None-Match", if_none_match):
        with pytest.raises(InvalidRequest, match=name):
            conditions(request_with(name, line), "k")


def test_an_entity_tag_is_parsed_to_its_revision() -> None:
    for revision in 1, 10**17:
        request = request_with("If-Match", etag(revision))
        assert if_match(request, "k") == [Condition("k", [revision])]
