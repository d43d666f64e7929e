"""Unit tests of the CORS headers."""

import pytest
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from service.web.cors import Cors

OURS = "https://app.example.com"


def headers_for(
    origins: tuple[str, ...],
    origin: str | None,
    *,
    method: str = "GET",
    given: dict[str, str] | None = None,
    preflight: bool = False,
) -> CIMultiDict[str]:
    asked = CIMultiDict({} if origin is None else {"Origin": origin})
    if preflight:
        asked["Access-Control-Request-Method"] = "PUT"
    headers = CIMultiDict(given or {})
    Cors(origins).add_headers(
        make_mocked_request(method, "/api/keys/k", headers=asked), headers
    )
    return headers


@pytest.mark.parametrize("origins", [(OURS,), (OURS, "http://localhost:3000")])
def test_a_listed_origin_may_read_the_reply(origins: tuple[str, ...]) -> None:
    headers = headers_for(origins, OURS)
    assert headers["Access-Control-Allow-Origin"] == OURS
    assert "KV-Revision" in headers["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in headers


@pytest.mark.parametrize(
    "origin", [None, "null", "https://evil.example", f"{OURS}:443", f"{OURS}.evil", ""]
)
def test_another_origin_may_read_nothing(origin: str | None) -> None:
    assert dict(headers_for((OURS,), origin)) == {"Vary": "Origin"}


@pytest.mark.parametrize("origin", [None, "null", "https://evil.example"])
def test_a_star_allows_every_origin(origin: str | None) -> None:
    assert headers_for(("*",), origin)["Access-Control-Allow-Origin"] == "*"


def test_origin_is_added_to_an_existing_vary_header() -> None:
    headers = headers_for((OURS,), None, given={"Vary": "Accept-Encoding"})
    assert headers.getall("Vary") == ["Accept-Encoding, Origin"]


def test_a_preflight_has_the_methods_of_the_route() -> None:
    given = {"Allow": "GET, PUT, OPTIONS"}
    headers = headers_for((OURS,), OURS, method="OPTIONS", given=given, preflight=True)
    assert headers["Access-Control-Allow-Methods"] == "GET, PUT, OPTIONS"
    assert "Authorization" in headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Expose-Headers" not in headers


@pytest.mark.parametrize(
    ("method", "given", "preflight"),
    [
        ("OPTIONS", {"Allow": "GET"}, False),
        ("OPTIONS", {}, True),
        ("PUT", {"Allow": "GET"}, True),
    ],
)
def test_what_is_no_preflight_is_a_reply_to_be_read(
    method: str, given: dict[str, str], preflight: bool
) -> None:
    headers = headers_for(
        (OURS,), OURS, method=method, given=given, preflight=preflight
    )
    assert "Access-Control-Allow-Methods" not in headers
    assert "Access-Control-Expose-Headers" in headers
