"""TLS: protocols, ciphers, and the replacement of a certificate."""

import asyncio
import contextlib
import json
import resource
import signal
import socket
import ssl
from collections.abc import AsyncIterator, Iterator
from pathlib import Path, PosixPath
from urllib.parse import urlsplit

import aiohttp
import pytest

from service.errors import StartError
from service.web.tls import Tls
from tests.support.certificates import EC, RSA, Arguments, Authority, Pair, openssl
from tests.support.client import Client, unique
from tests.support.imports import imported
from tests.support.machine import wait_until
from tests.support.raw_http import PAUSE, REPLY_TIMEOUT, http
from tests.support.service import (
    Serve,
    ServiceProcess,
    environ_for,
    refusal,
    service_process,
)
from tests.support.sse import following
from tests.support.tarantool import Tarantool

RELOADED = "the certificate was reloaded"
KEPT = "the certificate was not reloaded"


@pytest.fixture
def process(
    tmp_path: Path, tarantool: Tarantool, pair: Pair
) -> Iterator[ServiceProcess]:
    environ = environ_for(tarantool, KV_CLIENT_TIMEOUT="2", **pair.environ())
    with service_process(tmp_path, **environ) as process:
        yield process


@pytest.fixture
async def client(
    process: ServiceProcess, authority: Authority
) -> AsyncIterator[Client]:
    connector = aiohttp.TCPConnector(ssl=authority.context())
    async with aiohttp.ClientSession(connector=connector) as session:
        url = process.url.replace("http:", "https:")
        yield await Client(session, url).enter()


def shaken(
    process: ServiceProcess, context: ssl.SSLContext, name: str | None = "127.0.0.1"
) -> tuple[bytes | None, str, str]:
    """The certificate, the protocol and the cipher of a new connection."""
    with (
        socket.create_connection(("127.0.0.1", process.port), REPLY_TIMEOUT) as plain,
        context.wrap_socket(plain, server_hostname=name) as secure,
    ):
        cipher = secure.cipher()
        assert cipher is not None
        return secure.getpeercert(binary_form=True), secure.version() or "", cipher[0]


async def test_every_call_works_over_tls(client: Client) -> None:
    key, large = unique("key"), "x" * 1_000_000
    assert (await client.write({key: large})).status == 200
    assert (await client.read([key])).json == {"data": {key: large}}
    async with following(client) as stream:
        await stream.start()
        written = await client.write({key: 1})
        assert (await stream.next()).id == str(written.revision)


async def test_an_import_is_reported_over_tls(client: Client) -> None:
    prefix = unique("import")
    lines = [{"key": f"{prefix}{i}", "value": "v" * 200} for i in range(3000)]
    outcome = await imported(client, lines)
    assert outcome.counts == (3000, 0)
    assert len(outcome.lines) > 1


async def test_the_certificate_guards_names_unless_some_are_listed(
    client: Client, serve: Serve, tarantool: Tarantool
) -> None:
    public = {"Host": "kv.example.com"}
    assert (await client.request("GET", "/docs", headers=public)).status == 200
    # the control: without TLS it is a name that an attacker could own
    async with serve(tarantool) as plain:
        assert (await plain.request("GET", "/docs", headers=public)).status == 421


async def test_names_can_be_listed_with_tls_too(
    tmp_path: Path, tarantool: Tarantool, pair: Pair, authority: Authority
) -> None:
    environ = environ_for(tarantool, KV_ALLOWED_HOSTS="a.example", **pair.environ())
    connector = aiohttp.TCPConnector(ssl=authority.context())
    with service_process(tmp_path, **environ) as process:
        async with aiohttp.ClientSession(connector=connector) as session:
            client = Client(session, process.url.replace("http:", "https:"))
            for host, status in ("a.example", 200), ("kv.example.com", 421):
                headers = {"Host": host}
                reply = await client.request("GET", "/docs", headers=headers)
                assert reply.status == status


async def test_every_reply_says_that_the_host_is_reached_over_tls(
    client: Client,
) -> None:
    for path in ("/livez", "/nothing", "/docs"):
        reply = await client.request("GET", path)
        assert reply.headers["Strict-Transport-Security"] == "max-age=31536000"


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_modern_protocols_are_spoken(
    process: ServiceProcess, authority: Authority, version: ssl.TLSVersion
) -> None:
    context = authority.context()
    context.minimum_version = context.maximum_version = version
    _, spoken, cipher = shaken(process, context)
    assert spoken == version.name.replace("_", ".")
    assert "GCM" in cipher or "CHACHA20" in cipher


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.*is deprecated:DeprecationWarning")
@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1])
def test_old_protocols_are_not_spoken(
    process: ServiceProcess, authority: Authority, version: ssl.TLSVersion
) -> None:
    context = authority.context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = version
    with pytest.raises(ssl.SSLError):
        shaken(process, context)


def test_weak_ciphers_are_not_spoken(
    process: ServiceProcess, authority: Authority
) -> None:
    context = authority.context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers("ECDHE-ECDSA-AES128-SHA256:AES128-SHA:@SECLEVEL=0")
    with pytest.raises(ssl.SSLError):
        shaken(process, context)


async def test_without_tls_there_is_no_answer(process: ServiceProcess) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
    with contextlib.closing(writer):
        writer.write(http("GET", "/livez"))
        async with asyncio.timeout(REPLY_TIMEOUT):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""


async def test_an_unfinished_handshake_is_cut_off(
    process: ServiceProcess, client: Client
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", process.port)
    with contextlib.closing(writer):
        writer.write(b"\x16\x03\x01")
        async with asyncio.timeout(REPLY_TIMEOUT):
            with contextlib.suppress(ConnectionError):
                assert await reader.read() == b""
    assert (await client.read(["k"])).status == 200


#: Descriptors of the service, and connections that say nothing.
DESCRIPTORS, SILENT = 300, 330


def test_silent_connections_do_not_block_handshakes(
    tarantool: Tarantool, authority: Authority, pair: Pair, tmp_path: Path
) -> None:
    environ = environ_for(tarantool, KV_MAX_CONNECTIONS="150", **pair.environ())
    with (
        service_process(tmp_path, **environ) as process,
        contextlib.ExitStack() as silent,
    ):
        limit = DESCRIPTORS, DESCRIPTORS
        resource.prlimit(process.pid, resource.RLIMIT_NOFILE, limit)
        for _ in range(SILENT):
            where = "127.0.0.1", process.port
            silent.enter_context(socket.create_connection(where, REPLY_TIMEOUT))
        for _ in range(3):
            assert shaken(process, authority.context())[0] == pair.in_file()


async def test_slow_headers_are_answered_over_tls(
    client: Client, authority: Authority
) -> None:
    url = urlsplit(client.url)
    reader, writer = await asyncio.open_connection(
        url.hostname, url.port, ssl=authority.context()
    )
    with contextlib.closing(writer):
        writer.write(b"GET /livez HTTP/1.1\r\n")
        async with asyncio.timeout(REPLY_TIMEOUT):
            _, _, body = (await reader.read()).partition(b"\r\n\r\n")
    assert json.loads(body)["code"] == "request_timeout"


async def test_a_client_that_leaves_during_a_request_is_not_logged(
    process: ServiceProcess, client: Client, authority: Authority
) -> None:
    _, writer = await asyncio.open_connection(
        "127.0.0.1", process.port, ssl=authority.context()
    )
    writer.write(http("POST", "/api/login", b"Content-Length: 100"))
    await asyncio.sleep(PAUSE)
    writer.close()
    await writer.wait_closed()
    assert (await client.read(["k"])).status == 200
    assert "eof_received" not in process.stderr()


# Another certificate


async def test_a_new_certificate_is_used_without_closing_connections(
    process: ServiceProcess, client: Client, authority: Authority, pair: Pair
) -> None:
    before = pair.in_file()
    assert shaken(process, authority.context())[0] == before
    async with following(client) as stream:
        await stream.start()
        pair.renew()
        assert shaken(process, authority.context())[0] == before
        process.send(signal.SIGHUP)
        await asyncio.to_thread(wait_until, lambda: RELOADED in process.stderr(), 5)
        assert shaken(process, authority.context())[0] == pair.in_file() != before
        written = await client.write({unique("k"): 1})
        assert (await stream.next()).id == str(written.revision)


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_a_new_certificate_may_have_a_key_of_another_type(
    process: ServiceProcess, authority: Authority, pair: Pair, version: ssl.TLSVersion
) -> None:
    context = authority.context()
    context.minimum_version = context.maximum_version = version
    context.check_hostname = False  # a client need not send a name
    for times, kind in enumerate((RSA, EC), 1):
        pair.renew(kind)
        process.send(signal.SIGHUP)
        wait_until(lambda: process.stderr().count(RELOADED) == times, 5)  # noqa: B023
        assert shaken(process, context)[0] == pair.in_file()
        assert shaken(process, context, name=None)[0] == pair.in_file()


class Vanishing(PosixPath):
    """A file that vanishes after it has been checked."""

    def read_bytes(self) -> bytes:
        content = super().read_bytes()
        self.unlink()
        return content


def test_a_pair_that_vanishes_while_it_is_read_cannot_be_used(pair: Pair) -> None:
    with pytest.raises(StartError, match="No such file"):
        Tls(pair.certificate, Vanishing(pair.key))


@pytest.mark.parametrize("fault", ["another-key", "no-pem", "missing"])
async def test_a_bad_pair_changes_nothing(
    process: ServiceProcess,
    client: Client,
    authority: Authority,
    pair: Pair,
    fault: str,
) -> None:
    before = pair.in_file()
    if fault == "another-key":
        authority.issue(pair.certificate.with_name("other.pem"), pair.key)
    elif fault == "no-pem":
        pair.certificate.write_text("no certificate")
    else:
        pair.key.unlink()
    process.send(signal.SIGHUP)
    await asyncio.to_thread(wait_until, lambda: KEPT in process.stderr(), 5)
    assert "Traceback" not in process.stderr()
    assert shaken(process, authority.context())[0] == before
    assert (await client.read(["k"])).status == 200


def test_a_hangup_without_tls_ends_nothing(
    tmp_path: Path, tarantool: Tarantool
) -> None:
    with service_process(tmp_path, **environ_for(tarantool)) as process:
        process.send(signal.SIGHUP)
        wait_until(lambda: "there is no certificate to reload" in process.stderr(), 5)
        assert process.stop() == 0


# What stops the start


@pytest.mark.parametrize("given", ["KV_TLS_CERT", "KV_TLS_KEY"])
def test_half_a_pair(tarantool: Tarantool, pair: Pair, given: str) -> None:
    half = {given: pair.environ()[given]}
    line = refusal(environ_for(tarantool, **half))
    assert "KV_TLS_CERT" in line
    assert "KV_TLS_KEY" in line


@pytest.mark.parametrize("variable", ["KV_TLS_CERT", "KV_TLS_KEY"])
def test_a_file_that_is_not_there(
    tarantool: Tarantool, pair: Pair, variable: str
) -> None:
    environ = pair.environ() | {variable: "/nothing/is/here.pem"}
    line = refusal(environ_for(tarantool, **environ))
    assert variable in line
    assert "/nothing/is/here.pem" in line


@pytest.mark.parametrize("variable", ["KV_TLS_CERT", "KV_TLS_KEY"])
def test_a_file_that_is_no_pem(
    tarantool: Tarantool, pair: Pair, tmp_path: Path, variable: str
) -> None:
    secret = "a secret that is no key"
    other = tmp_path / "other"
    other.write_text(secret)
    line = refusal(environ_for(tarantool, **pair.environ() | {variable: str(other)}))
    assert variable in line
    assert secret not in line


def test_a_key_of_another_certificate(
    tarantool: Tarantool, authority: Authority, pair: Pair, tmp_path: Path
) -> None:
    authority.issue(tmp_path / "other.pem", pair.key)
    assert "KV_TLS_KEY" in refusal(environ_for(tarantool, **pair.environ()))


def test_an_encrypted_key(tarantool: Tarantool, pair: Pair, tmp_path: Path) -> None:
    encrypted = tmp_path / "encrypted.pem"
    secret: Arguments = ["-passout", "pass:secret", "-out", encrypted]
    openssl("pkey", "-in", pair.key, "-aes256", *secret)
    environ = pair.environ() | {"KV_TLS_KEY": str(encrypted)}
    assert "encrypted" in refusal(environ_for(tarantool, **environ))
