"""The guard against DNS rebinding: safe host names, and listed ones, are admitted."""

from collections.abc import AsyncIterator

import pytest

from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply
from tests.support.raw_http import talk
from tests.support.service import Serve
from tests.support.tarantool import Tarantool

LOGIN = ("POST", "/api/login")

#: Which no DNS server of an attacker can resolve.
SAFE = [
    *("127.0.0.1", "127.0.0.1:5000", "10.1.2.3:80", "8.8.8.8", "127.0.0.1:", "0.0.0.0"),
    *("127.0.0.1.", "10.1.2.3.:80"),
    *("[::1]", "[::1]:5000", "[2001:DB8::1]:443", "[::ffff:127.0.0.1]"),
    *(
        "[fe80::1%25eth0]:5000",
        "localhost",
        "localhost:5000",
        "LOCALHOST",
        "LocalHost.",
    ),
]
#: Names that cannot be registered in the DNS.
PRIVATE = [
    *("kv", "KV:5000", "my_service", "my-service.", "tarantool:1", "2130706433"),
    *("kv.localhost", "a.b.localhost:5000", "printer.local", "PRINTER.LOCAL."),
    *("db.internal", "nas.lan", "home.arpa", "nas.home.arpa", "x.test", "kv.svc"),
    *(
        "kv.default.svc",
        "kv.default.svc.cluster.local:5000",
        "localhost.localdomain.lan",
    ),
]
#: Which an attacker can have in a page's address, or no browser sends.
FOREIGN = [
    *("evil.example", "evil.example:5000", "EVIL.EXAMPLE.", "kv.example.com", "a.b"),
    *("127.0.0.1.evil.example", "localhost.evil.example", "evil-localhost.example"),
    *("local.evil.example", "127.0.0.1.nip.io", "evillocal.com", "kv.svc.example"),
    *("evilhome.arpa", "127.1", "0x7f.1", "0177.0.0.1", "256.1.1.1", "1.2.3.4.5"),
    *("xn--mnchen-3ya.example", "m\xfcnchen", "evil\uff0eexample", "evil.example\xa0"),
    *("", ".", "..", ":5000", ".localhost:x", "localhost..", "localhost:port"),
    *("[::1", "::1]", "[::1]x", "[evil.example]", "[]", "[::1].evil.example", "[:::]"),
    *("user@localhost", "evil.example@localhost", "localhost@evil.example", "a:b@kv"),
    *("localhost/.evil.example", "localhost#.evil.example", "localhost, evil.example"),
    *("evil.example/localhost", "http://localhost", "localhost\tevil", "%6cocalhost"),
    *("kv:123456", "a" * 300, "a." * 2000 + "local", "localhost" + "." * 3000),
]


def named(method: str, target: str, host: str | None, version: str = "1.1") -> bytes:
    lines = [f"{method} {target} HTTP/{version}"]
    if host is not None:
        lines.append(f"Host: {host}")
    return "\r\n".join([*lines, "Connection: close", "", ""]).encode()


def is_admitted(reply: Reply) -> bool:
    """Whether the guard admits it, whatever the reply of the call."""
    if reply.status == 421:
        assert_problem(reply, 421, "misdirected_request")
    return reply.status != 421


async def admits(service: Client, host: str) -> bool:
    """Whether it is admitted, equally for a known and an unknown path."""
    found = [
        is_admitted(await talk(service, named(method, path, host)))
        for method, path in (LOGIN, ("GET", "/api/keys/k"))
    ]
    assert found[0] == found[1]
    return found[0]


@pytest.fixture(scope="module")
async def listed(serve: Serve, tarantool: Tarantool) -> AsyncIterator[Client]:
    names = "KV.example.com., .example.org , other"
    async with serve(tarantool, KV_ALLOWED_HOSTS=names) as client:
        yield client


@pytest.mark.parametrize("host", SAFE + PRIVATE, ids=ascii)
async def test_a_name_that_cannot_be_registered_is_admitted(
    service: Client, host: str
) -> None:
    assert await admits(service, host)
    assert await admits(service, host)  # as it is remembered, too


@pytest.mark.parametrize("host", FOREIGN, ids=lambda host: ascii(host)[:30])
async def test_any_other_name_is_misdirected(service: Client, host: str) -> None:
    assert not await admits(service, host)
    assert not await admits(service, host)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("POST", "/api/read"), ("POST", "/api/register"), ("GET", "/api/keys/a/b")),
        *(
            ("GET", "/nothing"),
            ("PATCH", "/api/read"),
            ("GET", "/api/changes?ticket=x"),
        ),
        *(("GET", "/docs"), ("GET", "/docs/swagger-ui.js"), ("GET", "/openapi.json")),
        *(
            ("OPTIONS", "/api/read"),
            ("OPTIONS", "*"),
            ("HEAD", "/api/me"),
            ("PURGE", "/"),
        ),
        *(("GET", "/livez/"), ("GET", "//livez"), ("GET", "/docs/livez")),
    ],
)
async def test_every_path_is_guarded(service: Client, method: str, path: str) -> None:
    reply = await talk_or_head(service, method, path)
    assert reply.status == 421


async def talk_or_head(service: Client, method: str, path: str) -> Reply:
    if method != "HEAD":
        return await talk(service, named(method, path, "evil.example"))
    return await service.request(method, path, headers={"Host": "evil.example"})


async def test_a_token_does_not_help(client: Client) -> None:
    headers = {"Host": "evil.example"}
    for path in ("/api/read", "/api/write"):
        reply = await client.post(path, {"keys": ["k"]}, headers=headers)
        assert_problem(reply, 421, "misdirected_request")


async def test_the_detail_names_the_variable_and_the_host(service: Client) -> None:
    for host, shown in ("evil.example", "'evil.example'"), ("b" * 900, "bbb…'"):
        reply = await talk(service, named(*LOGIN, host))
        detail = assert_problem(reply, 421, "misdirected_request")
        assert "KV_ALLOWED_HOSTS" in detail
        assert shown in detail
        assert len(detail) < 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/livez?x=1"])
@pytest.mark.parametrize("host", ["evil.example", "", "user@x"])
async def test_probes_are_exempt(service: Client, path: str, host: str) -> None:
    reply = await talk(service, named("GET", path, host))
    assert reply.status in (200, 400)  # a query, perhaps
    assert (await service.request("HEAD", path, headers={"Host": host})).status == 200


async def test_http_1_0_may_be_without_a_host(service: Client) -> None:
    for path, status in ("/docs", 200), ("/nothing", 404):
        reply = await talk(service, named("GET", path, None, "1.0"))
        assert reply.status == status
    for host in ("evil.example", ""):
        reply = await talk(service, named("GET", "/docs", host, "1.0"))
        assert_problem(reply, 421, "misdirected_request")


@pytest.mark.parametrize(
    ("target", "host", "admitted"),
    [
        ("http://evil.example/api/me", "localhost", False),
        ("http://evil.example:5000/api/me", "127.0.0.1", False),
        ("http://user@localhost/api/me", "localhost", False),
        ("http://localhost@evil.example/api/me", "localhost", False),
        ("https://evil.example/api/me", "localhost", False),
        ("http://localhost/api/me", "evil.example", True),
        ("http://127.0.0.1:5000/api/me", "evil.example", True),
        ("http://[::1]/api/me", "evil.example", True),
        ("http://evil.example/livez", "evil.example", True),
    ],
)
async def test_the_host_of_an_absolute_target_counts(
    service: Client, target: str, host: str, admitted: bool
) -> None:
    for _ in range(2):
        reply = await talk(service, named("GET", target, host))
        assert is_admitted(reply) is admitted
        assert reply.status in (421, 403, 200)


@pytest.mark.parametrize(
    "host",
    [
        *("kv.example.com", "KV.EXAMPLE.COM:1", "kv.example.com.", "example.org"),
        *("a.example.org", "a.b.Example.org.:80", "other", "localhost", "127.0.0.1"),
        "[::1]:5000",
    ],
)
async def test_a_listed_name_is_admitted(listed: Client, host: str) -> None:
    assert await admits(listed, host)


@pytest.mark.parametrize(
    "host",
    [
        *(
            "example.com",
            "a.kv.example.com",
            "xexample.org",
            "example.org.evil.example",
        ),
        *("kv", "kv.local", "kv.localhost", "another", "other.lan", "evil.example"),
    ],
)
async def test_with_a_list_only_its_names_are_admitted(
    listed: Client, host: str
) -> None:
    assert not await admits(listed, host)


@pytest.mark.parametrize("names", ["*", "kv.example.com,*"])
async def test_a_star_admits_every_name(
    serve: Serve, tarantool: Tarantool, names: str
) -> None:
    async with serve(tarantool, KV_ALLOWED_HOSTS=names) as client:
        for host in ("evil.example", "user@localhost", "", "a" * 300):
            assert await admits(client, host)


async def test_many_names_are_distinguished(service: Client) -> None:
    """More than are remembered."""
    for number in range(1200):
        headers = {"Host": f"10.0.{number // 256}.{number % 256}:{number + 1}"}
        assert (await service.request("GET", "/nothing", headers=headers)).status == 404
    for host, admitted in ("localhost", True), ("evil.example", False):
        assert await admits(service, host) is admitted
