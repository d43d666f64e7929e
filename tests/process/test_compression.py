"""A client that takes a compressed reply slowly costs as much as with a plain one."""

import gc
import gzip
import json
import tracemalloc
from collections.abc import Iterator, Sequence
from pathlib import Path

import aiohttp
import pytest

from service.sizes import SMALL
from tests.support.assertions import assert_problem
from tests.support.certificates import Authority, Pair
from tests.support.client import Client
from tests.support.compressed import ACCEPT_GZIP, LONG, MIB, body_of, head_of, long_read
from tests.support.machine import is_read
from tests.support.raw_http import left_waiting
from tests.support.service import Serve, environ_for, service_process
from tests.support.tarantool import Tarantool

#: Seconds in which a client that may take one second for its reply is cut off, on a
#: busy machine; and in which one that may take an hour is not.
CUT_OFF, NOT_CUT_OFF = 30.0, 2.5

pytestmark = pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")


@pytest.fixture
def traced() -> Iterator[None]:
    tracemalloc.start()
    yield
    tracemalloc.stop()


def at_once(texts: Sequence[str]) -> list[memoryview]:
    return [memoryview("".join(texts).encode())]


@pytest.mark.usefixtures("traced")
@pytest.mark.parametrize("is_bounded", [True, False], ids=["pieces", "control"])
async def test_compressed_bytes_do_not_add_up_for_a_slow_client(
    serve: Serve,
    tarantool: Tarantool,
    monkeypatch: pytest.MonkeyPatch,
    is_bounded: bool,
) -> None:
    """The control compresses the reply as a whole."""
    if not is_bounded:
        monkeypatch.setattr("service.web.responses._joined", at_once)
    async with serve(tarantool) as client:
        await client.enter()
        compressed = await long_read(client)
        plain = compressed.replace(ACCEPT_GZIP, b"Accept-Encoding: identity")
        await memory_for(client, plain)  # asynctnt keeps a buffer of its size
        more = await memory_for(client, compressed) - await memory_for(client, plain)
        assert (more < 3 * MIB) is is_bounded


async def memory_for(client: Client, request: bytes) -> int:
    """Bytes that are allocated at most while the reply is taken."""
    request = request.replace(b"Host: ", b"Connection: close\r\nHost: ")
    gc.collect()
    before, _ = tracemalloc.get_traced_memory()
    async with left_waiting(client, request) as reader:
        await reader.readuntil(b"\r\n\r\n")
        gc.collect()  # asynctnt leaves large replies to it
        tracemalloc.reset_peak()
        while await reader.read(SMALL):
            pass
        _, peak = tracemalloc.get_traced_memory()
    return peak - before


async def test_a_long_reply_arrives_whole(serve: Serve, tarantool: Tarantool) -> None:
    async with serve(tarantool) as client:
        await client.enter()
        request = await long_read(client)
        async with left_waiting(client, request) as reader:
            await head_of(reader)
            data = json.loads(gzip.decompress(await body_of(reader)))["data"]
        assert sum(map(len, data.values())) == LONG


@pytest.fixture(params=["plain", "tls"])
def secured(request: pytest.FixtureRequest) -> Pair | None:
    return None if request.param == "plain" else request.getfixturevalue("pair")


@pytest.mark.parametrize(
    ("seconds", "is_cut_off"), [("1", True), ("3600", False)], ids=["cut", "control"]
)
async def test_a_client_that_stops_reading_is_cut_off(
    tarantool: Tarantool,
    authority: Authority,
    secured: Pair | None,
    tmp_path: Path,
    seconds: str,
    is_cut_off: bool,
) -> None:
    """Its reply counts with its size before compression until then."""
    environ = environ_for(
        tarantool, KV_CLIENT_TIMEOUT=seconds, KV_MAX_HELD=str(2 * LONG)
    )
    environ |= {"KV_MAX_BODY": str(2 * LONG)} | (secured.environ() if secured else {})
    context = authority.context() if secured else None
    connector = aiohttp.TCPConnector(ssl=context or True)
    with service_process(tmp_path, **environ) as process:
        async with aiohttp.ClientSession(connector=connector) as session:
            url = process.url.replace("http:", "https:" if secured else "http:")
            client = await Client(session, url).enter()
            request = await long_read(client)
            keys = json.loads(request.partition(b"\r\n\r\n")[2])["keys"]
            async with left_waiting(client, request, context) as reader:
                await head_of(reader)
                # LONG bytes are reserved: the compressed ones are within the limit
                assert_problem(await client.read(keys), 503, "overloaded")
                timeout = CUT_OFF if is_cut_off else NOT_CUT_OFF
                assert await is_read(client, keys, timeout) is is_cut_off
