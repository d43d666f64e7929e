"""The log in a file, which every process opens again at SIGHUP."""

import asyncio
import json
import os
import shutil
import signal
import stat
import subprocess
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any
from urllib.request import urlopen

import aiohttp
import pytest

from tests.support.certificates import Pair
from tests.support.identified_requests import IdentifiedRequests
from tests.support.machine import ROOT, wait_until
from tests.support.service import (
    PROCESS_TIMEOUT,
    SERVICE,
    SERVING,
    ServiceProcess,
    environ_for,
    service_environ,
    service_process,
)
from tests.support.tarantool import Tarantool, local_console
from tests.support.workers import workers_of

#: Rotations while clients send requests.
ROTATIONS = 3

CLIENTS = 4


#: Seconds in which all processes have opened the new file.
SETTLE_TIME = 1.0

#: Seconds in which a signal is handled.
TIMEOUT = 5.0

LOGROTATE = """
{folder}/*.log {{
    rotate 10
    create 0600
    delaycompress
    postrotate
        kill -HUP {pid}
    endscript
}}
"""


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """The folder of the log and of its predecessors."""
    folder = tmp_path / "logs"
    folder.mkdir(mode=0o700)
    return folder


def logging_to(folder: Path, **more: str) -> dict[str, str]:
    return {
        "KV_LOG_FILE": str(folder / "kv.log"),
        "KV_LOG_FORMAT": "json",
        "KV_ACCESS_LOG": "all",
        **more,
    }


def rotate(service: ServiceProcess, folder: Path) -> None:
    """What logrotate does with `create`."""
    log = folder / "kv.log"
    number = len(list(folder.iterdir()))
    log.rename(folder / f"kv.log.{number}")
    log.touch(mode=0o600)
    service.send(signal.SIGHUP)


def rotate_without_create(service: ServiceProcess, folder: Path) -> None:
    number = len(list(folder.iterdir()))
    (folder / "kv.log").rename(folder / f"kv.log.{number}")
    service.send(signal.SIGHUP)


def rotate_with_usr1(service: ServiceProcess, folder: Path) -> None:
    (folder / "kv.log").rename(folder / f"kv.log.{len(list(folder.iterdir()))}")
    service.send(signal.SIGUSR1)


def rotate_by_program(service: ServiceProcess, folder: Path) -> None:
    """logrotate itself, if it is installed."""
    program = shutil.which("logrotate", path=f"{os.environ['PATH']}:/usr/sbin")
    if program is None:
        pytest.skip("logrotate is not installed")
    config = folder.parent / "logrotate.conf"
    config.write_text(LOGROTATE.format(folder=folder, pid=service.pid))
    config.chmod(0o600)
    state = folder.parent / "logrotate.state"
    subprocess.run([program, "--force", "--state", state, config], check=True)


def lines_of(path: Path) -> list[dict[str, Any]]:
    text = path.read_text()
    assert text == "" or text.endswith("\n")
    return [json.loads(line) for line in text.splitlines()]


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize(
    "how", [rotate, rotate_without_create, rotate_with_usr1, rotate_by_program]
)
async def test_no_line_is_lost_when_the_file_is_rotated(
    tmp_path: Path,
    tarantool: Tarantool,
    logs: Path,
    workers: str,
    how: Callable[[ServiceProcess, Path], None],
) -> None:
    environ = environ_for(tarantool, KV_WORKERS=workers, **logging_to(logs))
    with service_process(tmp_path, **environ) as service:
        requests = IdentifiedRequests(f"{service.url}/livez", "GET", status=200)
        clients = [asyncio.create_task(requests.send()) for _ in range(CLIENTS)]
        for _ in range(ROTATIONS):
            await requests.more()
            await asyncio.to_thread(how, service, logs)
            await asyncio.to_thread(wait_until, lambda: is_written(logs), TIMEOUT)
        await asyncio.sleep(SETTLE_TIME)
        rotated = sizes_of(logs)
        await requests.more()
        requests.end()
        await asyncio.gather(*clients)
        assert sizes_of(logs) == rotated
        assert len(rotated) == ROTATIONS
        assert await asyncio.to_thread(service.stop) == 0
        assert logged_in(logs) == Counter(requests.answered)
        assert service.stderr() == service.stdout() == ""


def is_written(folder: Path) -> bool:
    log = folder / "kv.log"
    return log.exists() and log.stat().st_size > 0


def sizes_of(folder: Path) -> dict[Path, int]:
    """The sizes of the rotated files."""
    return {path: path.stat().st_size for path in folder.glob("kv.log.*")}


def logged_in(folder: Path) -> Counter[str]:
    """The ids of the requests in all files."""
    return Counter(
        line["request_id"]
        for path in folder.iterdir()
        for line in lines_of(path)
        if line["logger"] == "service.access"
    )


def files_open_in(pid: int) -> set[str]:
    found = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            found.add(os.readlink(entry))
        except OSError:
            continue
    return found


def processes_of(service: ServiceProcess) -> Iterator[int]:
    """The service, the arbiter and the workers."""
    waiting = [service.pid]
    while waiting:
        pid = waiting.pop()
        yield pid
        listed = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        waiting += map(int, listed.split())


def test_every_process_opens_the_file_again_with_a_bad_certificate_too(
    tmp_path: Path, tarantool: Tarantool, logs: Path, pair: Pair
) -> None:
    """Then the workers are not replaced."""
    environ = environ_for(tarantool, KV_WORKERS="2", **pair.environ())
    with service_process(tmp_path, **environ, **logging_to(logs)) as service:
        before = workers_of(service)
        pair.certificate.write_text("no certificate")
        rotate(service, logs)
        log = str(logs / "kv.log")

        def have_reopened() -> bool:
            opened = [files_open_in(pid) for pid in processes_of(service)]
            assert len(opened) == 4
            return all(log in each and f"{log}.1" not in each for each in opened)

        wait_until(have_reopened, TIMEOUT)
        assert workers_of(service) == before
        assert "was not reloaded" in service.log_file()


def test_the_file_is_kept_if_it_cannot_be_opened_again(
    tmp_path: Path, tarantool: Tarantool, logs: Path
) -> None:
    environ = environ_for(tarantool, **logging_to(logs))
    with service_process(tmp_path, **environ) as service:
        (logs / "kv.log").rename(logs / "kv.log.1")
        (logs / "kv.log").mkdir()
        service.send(signal.SIGHUP)
        wait_until(
            lambda: "was not reopened" in (logs / "kv.log.1").read_text(), TIMEOUT
        )
        assert service.stop() == 0
        assert lines_of(logs / "kv.log.1")[-1]["message"] == "stopped"


def test_the_embedded_tarantool_writes_to_the_same_file(
    tmp_path: Path, logs: Path
) -> None:
    with service_process(tmp_path, **logging_to(logs)) as service:
        local_console(service.data, "require('log').warn('one of mine')")
        wait_until(lambda: "one of mine" in service.log_file(), TIMEOUT)
        lines = lines_of(logs / "kv.log")
        (line,) = [line for line in lines if line["message"] == "one of mine"]
        assert line["logger"] == "tarantool"
        assert line["severity"] == "WARN"
        assert line["process.pid"] != service.pid
        rotate(service, logs)
        wait_until(lambda: "certificate" in service.log_file(), TIMEOUT)
        local_console(service.data, "require('log').warn('another one')")
        wait_until(lambda: "another one" in service.log_file(), TIMEOUT)
        assert service.stop() == 0
        assert service.stderr() == service.stdout() == ""


def test_the_file_is_readable_for_its_owner_and_group(
    tmp_path: Path, tarantool: Tarantool, logs: Path
) -> None:
    before = os.umask(0)
    try:
        environ = environ_for(tarantool, **logging_to(logs))
        with service_process(tmp_path, **environ):
            assert stat.S_IMODE((logs / "kv.log").stat().st_mode) == 0o640
    finally:
        os.umask(before)


def test_a_failed_start_is_in_the_file_and_on_stderr(
    tmp_path: Path, tarantool: Tarantool, logs: Path
) -> None:
    environ = environ_for(tarantool, KV_STARTUP_TIMEOUT="1") | logging_to(logs)
    environ["KV_TARANTOOL_URI"] = "127.0.0.1:1"
    service = ServiceProcess(tmp_path, service_environ(tmp_path, **environ))
    with pytest.raises(RuntimeError, match="ended: kv: cannot start: cannot use"):
        service.start()
    assert service.exit_code() == 1
    last = lines_of(logs / "kv.log")[-1]
    assert last["severity"] == "FATAL"
    assert last["message"].startswith("cannot start: cannot use Tarantool")


def fill_disk(service: ServiceProcess, folder: Path) -> None:
    (folder / "kv.log").rename(folder / "kv.log.1")
    (folder / "kv.log").symlink_to("/dev/full")
    service.send(signal.SIGHUP)
    wait_until(lambda: "No space left" in service.stderr(), TIMEOUT)


async def test_a_file_that_cannot_be_written_fails_no_request(
    tmp_path: Path, tarantool: Tarantool, logs: Path
) -> None:
    """One line on stderr reports it, however many lines are lost."""
    environ = environ_for(tarantool, **logging_to(logs))
    async with aiohttp.ClientSession() as session:
        with service_process(tmp_path, **environ) as service:
            fill_disk(service, logs)
            for _ in range(3):
                async with session.get(f"{service.url}/livez") as reply:
                    assert reply.status == 200
            assert service.stop() == 0
            assert service.stderr() == (
                f"kv: cannot write the log {logs}/kv.log: No space left on device\n"
            )


#: Requests whose lines exceed the 64 KiB that a pipe holds.
MANY = 1500


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_log_that_nobody_reads_stops_no_request(tmp_path: Path, workers: str) -> None:
    environ = service_environ(tmp_path, KV_ACCESS_LOG="all", KV_WORKERS=workers)
    url = f"http://127.0.0.1:{environ['KV_PORT']}/livez"
    with subprocess.Popen(
        SERVICE, cwd=ROOT, env=environ, stdout=DEVNULL, stderr=PIPE
    ) as process:
        try:
            assert process.stderr is not None
            assert any(SERVING.encode() in line for line in process.stderr)
            for _ in range(MANY):
                with urlopen(url, timeout=TIMEOUT) as reply:
                    assert reply.status == 200
            process.terminate()
            assert process.wait(PROCESS_TIMEOUT) == 0
        finally:
            process.kill()
