"""A service with a Tarantool of its own: both end together, and nothing is lost."""

import os
import signal
import stat
import subprocess
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.client import Client
from tests.support.machine import (
    ROOT,
    alive,
    command_line,
    wait_until,
    wait_until_ready,
)
from tests.support.service import ServiceProcess, service_process
from tests.support.tarantool import local_console

SECRETS = ("jwt_secret", "tarantool_password")
PID = "require('tarantool').pid()"

#: Seconds in which an orphan is gone and a dead Tarantool is replaced.
TIMEOUT = 5.0


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A connection for every request: services come and go."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


def tarantool_pid(service: ServiceProcess) -> int:
    return int(local_console(service.data, PID).split()[2])


def environment(pid: int) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


async def test_the_embedded_tarantool_serves_the_four_calls(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    with service_process(tmp_path) as service:
        client = await Client(session, service.url).enter()
        assert (await client.write({"k": [1.0, None]})).json == {"status": "success"}
        assert (await client.read(["k"])).text == '{"data":{"k":[1.0, null]}}'


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_signal_ends_both_with_exit_code_0(
    tmp_path: Path, number: signal.Signals
) -> None:
    with service_process(tmp_path) as service:
        tarantool = tarantool_pid(service)
        assert alive(tarantool)
        assert service.stop(number) == 0
        assert not alive(tarantool)


def test_ctrl_c_is_for_the_service_but_priorities_count_for_both(
    tmp_path: Path,
) -> None:
    """Two groups of processes, one session: see lua/kv/base/parent_death.lua."""
    with service_process(tmp_path) as service:
        tarantool = tarantool_pid(service)
        assert os.getpgid(tarantool) != os.getpgid(service.pid)
        assert os.getsid(tarantool) == os.getsid(service.pid)


def test_a_killed_service_takes_its_tarantool_along(tmp_path: Path) -> None:
    with service_process(tmp_path) as service:
        tarantool = tarantool_pid(service)
        service.stop(signal.SIGKILL)
        wait_until(lambda: not alive(tarantool), TIMEOUT)


def test_without_its_lifeline_a_tarantool_outlives_its_parent(tmp_path: Path) -> None:
    """The control of the test above."""
    environ = {
        "PATH": os.environ["PATH"],
        "KV_DATA_DIR": str(tmp_path),
        "KV_TARANTOOL_LISTEN": f"unix/:{tmp_path}/tarantool.sock",
        "KV_TARANTOOL_PASSWORD": "password",
    }
    command = "tarantool lua/init.lua >/dev/null 2>&1 & wait"
    parent = subprocess.Popen(["sh", "-c", command], cwd=ROOT, env=environ)
    wait_until((tmp_path / "tarantool.sock").exists, TIMEOUT)
    orphan = int(local_console(tmp_path, PID).split()[2])
    try:
        parent.kill()
        parent.wait()
        time.sleep(1)
        assert alive(orphan)
    finally:
        os.kill(orphan, signal.SIGKILL)


@pytest.mark.parametrize("wal_mode", ["fsync", "write"])
async def test_the_next_start_after_a_kill_has_what_was_acknowledged(
    tmp_path: Path, session: aiohttp.ClientSession, wal_mode: str
) -> None:
    with service_process(tmp_path, KV_WAL_MODE=wal_mode) as service:
        client = await Client(session, service.url).enter()
        for number in range(20):
            assert (await client.write({"last": number})).status == 200
        service.stop(signal.SIGKILL)
        service.start()
        assert (await client.read(["last"])).json["data"] == {"last": 19}


async def test_a_killed_tarantool_is_replaced(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    with service_process(tmp_path) as service:
        client = await Client(session, service.url).enter()
        await client.write({"k": 1})
        killed = tarantool_pid(service)
        os.kill(killed, signal.SIGKILL)
        wait_until(lambda: not alive(killed), TIMEOUT)
        assert (await client.read(["k"])).status == 503
        await wait_until_ready(client, TIMEOUT)
        assert tarantool_pid(service) != killed
        assert (await client.read(["k"])).json["data"] == {"k": 1}
        assert (await client.write({"k": 2})).status == 200


@pytest.mark.parametrize("wal_mode", ["fsync", "write"])
async def test_a_tarantool_killed_again_and_again_loses_nothing(
    tmp_path: Path, session: aiohttp.ClientSession, wal_mode: str
) -> None:
    with service_process(tmp_path, KV_WAL_MODE=wal_mode) as service:
        client = await Client(session, service.url).enter()
        for number in range(3):
            assert (await client.write({"k": number})).status == 200
            os.kill(tarantool_pid(service), signal.SIGKILL)
            await wait_until_ready(client, TIMEOUT)
            assert (await client.read(["k"])).json["data"] == {"k": number}


def test_secrets_are_made_at_the_first_start_for_their_owner_alone(
    tmp_path: Path,
) -> None:
    with service_process(tmp_path) as service:
        files = [service.data / name for name in SECRETS]
        assert [stat.S_IMODE(file.stat().st_mode) for file in files] == [0o600] * 2
        assert all(len(file.read_bytes()) >= 32 for file in files)
        assert files[0].read_bytes() != files[1].read_bytes()


async def test_a_tarantool_that_cannot_be_started_is_tried_again(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    with service_process(tmp_path) as service:
        client = Client(session, service.url)
        own_socket = service.data / "tarantool.sock"
        own_socket.unlink()
        own_socket.mkdir()
        os.kill(tarantool_pid(service), signal.SIGKILL)
        wait_until(lambda: "cannot be started" in service.stderr(), TIMEOUT)
        own_socket.rmdir()
        await wait_until_ready(client, TIMEOUT)


def test_the_data_are_their_owner_s_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with service_process(tmp_path) as service:
            made = [*service.data.glob("0*"), *service.data.glob("*.sock")]
            assert len(made) >= 4
            modes = {stat.S_IMODE(path.stat().st_mode) & 0o077 for path in made}
            assert modes == {0}
    finally:
        os.umask(before)


def test_a_second_signal_ends_the_service_at_once(tmp_path: Path) -> None:
    with service_process(tmp_path) as service:
        tarantool = tarantool_pid(service)
        os.kill(tarantool, signal.SIGSTOP)  # so that the first one has to wait for it
        service.send(signal.SIGINT)
        wait_until(lambda: "stopping" in service.stderr(), TIMEOUT)
        assert service.stop(signal.SIGINT) == 128 + signal.SIGINT
        assert "Traceback" not in service.stderr()
        wait_until(lambda: not alive(tarantool), TIMEOUT)


async def test_secrets_are_kept_and_so_a_token_outlives_a_restart(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    with service_process(tmp_path) as service:
        client = await Client(session, service.url).enter()
        made = [(service.data / name).read_bytes() for name in SECRETS]
        service.stop()
        service.start()
        assert [(service.data / name).read_bytes() for name in SECRETS] == made
        assert (await client.read(["k"])).status == 200


async def test_secrets_are_shown_nowhere(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    given = {"ADMIN_LOGIN": "admin", "ADMIN_PASSWORD": "a very secret password"}
    with service_process(tmp_path, KV_ACCESS_LOG="1", **given) as service:
        client = Client(session, service.url)
        assert (await client.login("admin", given["ADMIN_PASSWORD"])).status == 200
        assert (await client.login("admin", "a mistyped password")).status == 401
        await client.read(["k"])
        tarantool = tarantool_pid(service)
        shown = command_line(service.pid) + command_line(tarantool)
        shown += environment(tarantool)
        service.stop()
        shown += service.stdout() + service.stderr()
        assert "POST /api/login" in shown
        made = [(service.data / name).read_text() for name in SECRETS]
        secrets = [*made, given["ADMIN_PASSWORD"], "mistyped", str(client.token)]
        assert [secret for secret in secrets if secret in shown] == []
