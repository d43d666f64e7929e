"""The client's address from `X-Forwarded-For`."""

from collections.abc import Sequence

import pytest
from aiohttp import web
from aiohttp.test_utils import make_mocked_request
from multidict import CIMultiDict

from service.auth.client_address import UNKNOWN, client_address, exact_address
from service.settings import Settings

TRUSTED = "10.0.0.0/8, 192.0.2.1, 2001:db8:ffff::/48, ::1"


class Peer:
    """The part of a transport that gives a request its peer."""

    def __init__(self, peer: str | None) -> None:
        self._peer = (peer, 50000) if peer else None

    def get_extra_info(self, name: str, default: object = None) -> object:
        return self._peer if name == "peername" else default


def request_from(peer: str | None, lines: Sequence[str]) -> web.Request:
    headers = CIMultiDict([("X-Forwarded-For", line) for line in lines])
    return make_mocked_request(
        "POST", "/api/login", headers=headers, transport=Peer(peer)
    )


def seen(peer: str | None, lines: Sequence[str], trusted: str = TRUSTED) -> str:
    settings = Settings.from_env({"KV_TRUSTED_PROXIES": trusted})
    return client_address(request_from(peer, lines), settings.trusted_proxies)


@pytest.mark.parametrize(
    ("peer", "lines", "client"),
    [
        ("10.0.0.1", ["198.51.100.7"], "198.51.100.7"),
        ("192.0.2.1", ["198.51.100.7"], "198.51.100.7"),
        ("::1", ["198.51.100.7"], "198.51.100.7"),
        # a client that is no proxy may send any header
        ("198.51.100.9", ["198.51.100.7"], "198.51.100.9"),
        ("192.0.2.2", ["198.51.100.7"], "192.0.2.2"),
        # what the client itself has sent is on the left
        ("10.0.0.1", ["1.1.1.1, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["10.9.9.9, 198.51.100.7"], "198.51.100.7"),
        ("10.0.0.1", ["rubbish, \x7f, 198.51.100.7"], "198.51.100.7"),
        # several proxies
        ("10.0.0.1", ["198.51.100.7, 10.0.0.2, 192.0.2.1"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7 ,10.0.0.2"], "198.51.100.7"),
        # several lines are one
        ("10.0.0.1", ["1.1.1.1", "198.51.100.7", "10.0.0.2"], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7", ""], "198.51.100.7"),
        ("10.0.0.1", ["198.51.100.7,, ,"], "198.51.100.7"),
        # proxies all the way: the farthest of them is the client
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [""], "10.0.0.1"),
        # a proxy that does not know stands for its client
        ("10.0.0.1", ["198.51.100.7, unknown"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.7, _hidden, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", ["198.51.100.700"], "10.0.0.1"),
        # with the port
        ("10.0.0.1", ["198.51.100.7:4711"], "198.51.100.7"),
        ("10.0.0.1", ["[2001:db8:1:2:3:4:5:6]:4711"], "2001:db8:1:2::/64"),
        ("10.0.0.1", ["[2001:db8:1:2:3:4:5:6]"], "2001:db8:1:2::/64"),
        # IPv6, and IPv4 in its clothes
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("2001:db8:1:2:ffff::1", [], "2001:db8:1:2::/64"),
        ("2001:db8:1:3::1", [], "2001:db8:1:3::/64"),
        ("fe80::1%eth0", [], "fe80::/64"),
        ("::ffff:198.51.100.9", [], "198.51.100.9"),
        ("64:ff9b::198.51.100.9", [], "198.51.100.9"),
        ("64:ff9b::10.0.0.1", ["198.51.100.7"], "10.0.0.1"),
        ("64:ff9b:1::198.51.100.9", [], "64:ff9b:1::/64"),
        ("::ffff:10.0.0.1", ["::ffff:198.51.100.7"], "198.51.100.7"),
        ("2001:db8:ffff:1::1", ["2001:db8:5:6::7"], "2001:db8:5:6::/64"),
        # gone already
        (None, ["198.51.100.7"], UNKNOWN),
    ],
)
def test_the_client_is_the_last_one_that_is_no_trusted_proxy(
    peer: str | None, lines: list[str], client: str
) -> None:
    assert seen(peer, lines) == client


def test_without_proxies_the_header_counts_for_nothing() -> None:
    for peer in "127.0.0.1", "10.0.0.1":
        assert seen(peer, ["198.51.100.7"], trusted="") == peer


@pytest.mark.parametrize(
    ("peer", "lines", "address"),
    [
        ("198.51.100.9", [], "198.51.100.9"),
        ("10.0.0.1", ["2001:db8:1:2:3:4:5:6"], "2001:db8:1:2:3:4:5:6"),
        ("64:ff9b::198.51.100.9", [], "64:ff9b::c633:6409"),
        # a zone may be any text
        ("10.0.0.1", ['fe80::1%" a forged field'], "fe80::1"),
        (None, ["198.51.100.7"], None),
    ],
)
def test_the_log_has_the_whole_address(
    peer: str | None, lines: list[str], address: str | None
) -> None:
    trusted = Settings.from_env({"KV_TRUSTED_PROXIES": TRUSTED}).trusted_proxies
    assert exact_address(request_from(peer, lines), trusted) == address
