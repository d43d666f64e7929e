"""The configuration of docs/reverse-proxy.md, in a real nginx before the service."""

import re
import subprocess
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import aiohttp
import pytest

from tests.support.certificates import Authority, Pair
from tests.support.client import Client, unique
from tests.support.machine import ROOT, free_port, wait_until
from tests.support.nginx import command, started
from tests.support.service import PROCESS_TIMEOUT
from tests.support.sse import following
from tests.support.verbatim import path_of, send

PAGES = ["docs/reverse-proxy.md", "docs/ru/reverse-proxy.md"]
BLOCK = re.compile(r"^```nginx\n(.*?)^```$", re.DOTALL | re.MULTILINE)

#: One process of the current user, with all files in its folder.
AROUND = """
daemon off;
master_process off;
pid nginx.pid;
events {{}}
http {{
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    {text}
}}
"""

#: Keys that a proxy changes if it rewrites the path, each as it stands in a path.
KEYS = ["a%2Fb", "a//b", "a/../b", "a%2F..%2Fb", "a%252Fb", "a%3Fb", "%C3%A9", "a+b"]

#: The control: nginx normalises a path that it rewrites.
REWRITTEN = "location /rewritten/ { proxy_pass http://kv/; }"


@dataclass(frozen=True)
class Proxy:
    client: Client
    folder: Path

    def below(self, path: str) -> Client:
        other = Client(self.client.session, self.client.url + path)
        other.token = self.client.token
        return other

    def logs(self) -> str:
        return "".join(log.read_text() for log in self.folder.glob("*.log"))


def blocks(page: str) -> list[str]:
    return BLOCK.findall((ROOT / page).read_text())


def configuration(folder: Path, upstream: str, pair: Pair, port: int) -> str:
    site, mapping, location = blocks(PAGES[0])
    head, slash, rest = site.partition("    location / {")
    text = mapping + head + location + REWRITTEN + slash + rest
    for shown, meant in {
        "127.0.0.1:5000": upstream.removeprefix("http://"),
        "listen 443": f"listen 127.0.0.1:{port}",
        "/etc/nginx/kv/cert.pem": str(pair.certificate),
        "/etc/nginx/kv/key.pem": str(pair.key),
        "/var/log/nginx": str(folder),
    }.items():
        assert shown in text
        text = text.replace(shown, meant)
    return AROUND.format(text=text)


def write_valid(folder: Path, text: str) -> None:
    (folder / "nginx.conf").write_text(text)
    check = subprocess.run(
        [*command(folder), "-t"], capture_output=True, text=True, check=False
    )
    assert check.returncode == 0, check.stderr
    assert "[warn]" not in check.stderr


@pytest.fixture
async def proxy(client: Client, tmp_path: Path) -> AsyncIterator[Proxy]:
    folder, port = tmp_path / "nginx", free_port()
    folder.mkdir()
    authority = Authority(tmp_path / "authority")
    pair = Pair(authority, tmp_path)
    connector = aiohttp.TCPConnector(ssl=authority.context())
    write_valid(folder, configuration(folder, client.url, pair, port))
    with started(folder, port):
        async with aiohttp.ClientSession(connector=connector) as session:
            behind = Client(session, f"https://127.0.0.1:{port}")
            behind.token = client.token
            yield Proxy(behind, folder)


def test_both_languages_show_the_same_configuration() -> None:
    english, russian = map(blocks, PAGES)
    assert english == russian


@pytest.mark.parametrize("prefix", ["", "/kv"], ids=["root", "below-a-path"])
@pytest.mark.parametrize("key", KEYS)
async def test_a_key_comes_through_as_it_is(
    proxy: Proxy, client: Client, key: str, prefix: str
) -> None:
    value = f'"{unique("value")}"'
    path = f"/api/keys/{key}?ttl=60"
    assert (await send(proxy.below(prefix), "PUT", path, value)).status == 204
    found = await send(client, "GET", f"/api/keys/{key}")
    assert found.text == value
    assert "KV-TTL" in found.headers


async def test_a_key_is_changed_where_nginx_rewrites_the_path(
    proxy: Proxy, client: Client
) -> None:
    """The control of the one before."""
    value = f'"{unique("value")}"'
    written = await send(
        proxy.below("/rewritten"), "PUT", "/api/keys/control%2F..%2Fb", value
    )
    assert written.status == 204
    found = await send(client, "GET", "/api/keys/control%2F..%2Fb")
    assert found.text != value


async def test_a_key_with_a_zero_byte_goes_by_post(proxy: Proxy) -> None:
    key = unique("zero") + "\0"
    refused = await send(proxy.client, "PUT", path_of(key), "1")
    assert refused.status == 400
    assert (await proxy.client.write({key: 1})).status == 200
    assert (await proxy.client.read([key])).json == {"data": {key: 1}}


@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
async def test_a_body_may_be_as_large_as_the_service_takes(proxy: Proxy) -> None:
    key = unique("large")
    data = {f"{key}-{n}": "x" * 1024 * 1000 for n in range(15)}
    assert (await proxy.client.write(data)).status == 200
    assert (await proxy.client.read(list(data))).json == {"data": data}


async def test_events_come_one_by_one(proxy: Proxy) -> None:
    prefix = unique("stream")
    async with following(proxy.client, prefix=prefix) as stream:
        for value in range(3):
            written = await proxy.client.write({prefix: value})
            assert (await stream.next()).id == written.headers["KV-Revision"]


async def test_the_pages_work_below_a_path(proxy: Proxy) -> None:
    below = proxy.below("/kv")
    page = await below.request("GET", "/docs")
    for file in re.findall(r'(?:href|src)="(docs[^"]*)"', page.text):
        assert (await below.request("GET", f"/{file}")).status == 200


async def test_the_logs_contain_no_key_and_no_query(
    proxy: Proxy, client: Client
) -> None:
    secret = unique("secret")
    for path in f"/api/keys/{secret}", f"/api/changes?ticket={secret}", f"/{secret}":
        await send(proxy.client, "GET", path)
    wait_until(lambda: proxy.logs().count(" GET ") == 3, PROCESS_TIMEOUT)
    assert secret not in proxy.logs()
