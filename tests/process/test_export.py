"""Exports of a service that stops."""

import asyncio
import signal
import time
from pathlib import Path

import aiohttp
import pytest

from service.web.runner import GRACE
from service.web.server import LINGER
from tests.support.client import Client, unique
from tests.support.service import environ_for, service_process
from tests.support.tarantool import Tarantool
from tests.support.transfers import Exported, exported, exporting

#: An export of this many bytes fills every buffer on its way: it waits for its client.
LARGE, NUMBER = 900 * 1024, 16

#: Seconds in which streams have been ended, and their clients still read.
PAUSE = 0.4

#: Seconds, on a busy machine.
TIMEOUT = 30.0


async def large(client: Client) -> str:
    prefix = unique("stopped")
    for number in range(NUMBER):
        reply = await client.write({f"{prefix}-{number:02}": "x" * LARGE})
        assert reply.status == 200
    return prefix


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_a_stop_ends_an_export_with_a_line_that_says_so(
    tarantool: Tarantool, tmp_path: Path, workers: str
) -> None:
    environ = environ_for(tarantool, KV_WORKERS=workers, KV_ACCESS_LOG="all")
    with service_process(tmp_path, **environ) as service:
        async with aiohttp.ClientSession() as session:
            client = await Client(session, service.url).enter()
            prefix = await large(client)
            complete = (await exported(client, prefix)).check()
            assert complete.last["keys"] == NUMBER
            async with exporting(client, prefix) as rest:
                service.send(signal.SIGTERM)
                await asyncio.sleep(LINGER + PAUSE)
                async with asyncio.timeout(TIMEOUT):
                    export = Exported(await rest())
        assert (export.last["status"], export.last["code"]) == (503, "stopping")
        assert 0 < len(export.state()) < NUMBER
        assert await asyncio.to_thread(service.exit_code) == 0
        assert "Traceback" not in service.stderr()
        logged = [line for line in service.stderr().splitlines() if "/export" in line]
        assert ["error=stopping" in line for line in logged] == [False, True], logged


async def test_a_stop_does_not_wait_for_a_client_that_does_not_read(
    tarantool: Tarantool, tmp_path: Path
) -> None:
    with service_process(tmp_path, **environ_for(tarantool)) as service:
        async with aiohttp.ClientSession() as session:
            client = await Client(session, service.url).enter()
            prefix = await large(client)
            async with exporting(client, prefix):
                begin = time.monotonic()
                service.send(signal.SIGTERM)
                assert await asyncio.to_thread(service.exit_code) == 0
                assert time.monotonic() - begin < GRACE
