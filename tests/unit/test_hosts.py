"""Unit tests of the guard against DNS rebinding."""

import pytest
from aiohttp import HttpVersion10, HttpVersion11
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from service.settings import Settings
from service.web.hosts import MAX_CACHED_HOSTS, AllowedHosts, allowed_hosts

EXEMPT = ("/livez",)

PUBLIC = ("KV.example.com", ".example.org", "other")


def guard_of(**environ: str) -> AllowedHosts | None:
    return allowed_hosts(Settings.from_env(environ), EXEMPT)


def admits(
    guard: AllowedHosts | None,
    host: str | None,
    target: str = "/api/read",
    *,
    is_http_1_0: bool = False,
) -> bool:
    assert guard is not None
    headers = CIMultiDict({} if host is None else {"Host": host})
    version = HttpVersion10 if is_http_1_0 else HttpVersion11
    request = make_mocked_request("POST", target, headers=headers, version=version)
    return guard.refusal(request) is None


@pytest.mark.parametrize(
    "host", ["localhost", "127.0.0.1:5000", "[::1]", "kv", "a.lan"]
)
def test_by_default_names_that_cannot_be_registered_are_admitted(host: str) -> None:
    guard = guard_of()
    assert admits(guard, host)
    assert admits(guard, host)


@pytest.mark.parametrize("host", ["kv.example.com", "127.1", "", "a@localhost", "[kv]"])
def test_by_default_every_other_name_is_refused(host: str) -> None:
    guard = guard_of()
    assert not admits(guard, host)
    assert not admits(guard, host)
    assert admits(guard, host, "/livez")


def test_with_a_list_only_its_names_are_admitted() -> None:
    guard = guard_of(KV_ALLOWED_HOSTS=",".join(PUBLIC))
    for host in "kv.example.com", "KV.Example.com.:1", "a.b.example.org", "localhost":
        assert admits(guard, host), host
    for host in "kv", "a.kv.example.com", "a.lan", "xexample.org":
        assert not admits(guard, host), host


@pytest.mark.parametrize(
    "environ", [{"KV_ALLOWED_HOSTS": "*"}, {"KV_TLS_CERT": "cert", "KV_TLS_KEY": "key"}]
)
def test_with_a_star_or_a_certificate_there_is_no_guard(
    environ: dict[str, str],
) -> None:
    assert guard_of(**environ) is None


def test_only_http_1_0_may_be_without_a_host() -> None:
    guard = guard_of()
    assert admits(guard, None, is_http_1_0=True)
    assert not admits(guard, None)


def test_the_host_of_an_absolute_target_counts() -> None:
    guard = guard_of()
    assert not admits(guard, "localhost", "http://evil.example/api/read")
    assert admits(guard, "evil.example", "http://localhost/api/read")
    # which is not remembered for another target
    assert not admits(guard, "evil.example")


def test_what_is_remembered_is_bounded_and_changes_nothing() -> None:
    guard = guard_of()
    assert guard is not None
    for number in range(MAX_CACHED_HOSTS + 200):
        assert admits(guard, f"10.0.0.1:{number}")
        assert len(guard._admitted) <= MAX_CACHED_HOSTS
    assert admits(guard, "localhost")
    assert not admits(guard, "evil.example")
