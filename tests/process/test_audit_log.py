"""The audit log of a service: its file, its workers, and readers that stop."""

import asyncio
import json
import os
import re
import signal
import stat
import subprocess
from collections import Counter
from pathlib import Path
from subprocess import PIPE
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from tests.support.audit import TIMEOUT, lines_in, lines_of
from tests.support.client import unique
from tests.support.console import lua
from tests.support.identified_requests import IdentifiedRequests
from tests.support.machine import ROOT, wait_until
from tests.support.service import (
    PROCESS_TIMEOUT,
    SERVICE,
    SERVING,
    ServiceProcess,
    environ_for,
    refusal,
    service_environ,
    service_process,
)
from tests.support.tarantool import Tarantool, local_console

#: Rotations while clients send requests.
ROTATIONS = 3

CLIENTS = 4

#: Requests whose lines exceed the 64 KiB that a pipe holds.
MANY = 800

#: A hash of bcrypt.
HASH = "$2b$04$.tN/sriDW7/UJh1LMy6OQOoubgUpLPNcxf6iloOreiZ.ewFjWBPq2"

UNREAD = "cannot be written: nobody reads it"
LOST = re.compile(r"(\d+) lines of the audit log were lost")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    folder = tmp_path / "logs"
    folder.mkdir(mode=0o700)
    return folder / "audit.log"


def refused_login(url: str, request_id: str) -> None:
    """A login with a line, which costs no password check."""
    headers = {"X-Request-Id": request_id}
    request = Request(f"{url}/api/login", b"nope", headers)
    with pytest.raises(HTTPError) as refused:
        urlopen(request, timeout=TIMEOUT)
    refused.value.close()
    assert refused.value.code == 400


@pytest.mark.parametrize("workers", ["1", "2"])
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1])
async def test_no_line_is_lost_when_the_file_is_moved(
    tmp_path: Path,
    tarantool: Tarantool,
    log: Path,
    workers: str,
    number: signal.Signals,
) -> None:
    environ = environ_for(tarantool, KV_WORKERS=workers, KV_AUDIT_LOG=str(log))
    with service_process(tmp_path, **environ) as service:
        logins = IdentifiedRequests(
            f"{service.url}/api/login", "POST", data="nope", status=400
        )
        clients = [asyncio.create_task(logins.send()) for _ in range(CLIENTS)]
        for rotation in range(ROTATIONS):
            await logins.more()
            move(log, rotation)
            service.send(number)
            await asyncio.to_thread(wait_until, lambda: has_lines(log), TIMEOUT)
        await logins.more()
        logins.end()
        await asyncio.gather(*clients)
        assert await asyncio.to_thread(service.stop) == 0
        files = list(log.parent.iterdir())
        assert len(files) == ROTATIONS + 1
        written = Counter(
            each["request_id"] for path in files for each in lines_in(path)
        )
        assert written == Counter(logins.answered)
        assert service.stdout() == ""


def move(log: Path, rotation: int) -> None:
    log.rename(log.with_suffix(f".{rotation}"))


def requests_in(folder: Path) -> Counter[str]:
    """The ids of the requests in all files."""
    files = list(folder.iterdir())
    assert len(files) == ROTATIONS + 1
    return Counter(line["request_id"] for path in files for line in lines_in(path))


def has_lines(path: Path) -> bool:
    return path.exists() and path.stat().st_size > 0


def test_only_the_owner_reads_the_file(
    tmp_path: Path, tarantool: Tarantool, log: Path
) -> None:
    before = os.umask(0)
    try:
        environ = environ_for(tarantool, KV_AUDIT_LOG=str(log))
        with service_process(tmp_path, **environ) as service:
            assert stat.S_IMODE(log.stat().st_mode) == 0o600
            log.rename(log.with_suffix(".1"))
            service.send(signal.SIGHUP)
            wait_until(log.exists, TIMEOUT)
            assert stat.S_IMODE(log.stat().st_mode) == 0o600
    finally:
        os.umask(before)


def test_there_is_no_audit_log_by_default(
    tmp_path: Path, tarantool: Tarantool, log: Path
) -> None:
    with service_process(tmp_path, **environ_for(tarantool)) as service:
        refused_login(service.url, "a")
        assert service.stop() == 0
        assert service.stdout() == ""
        assert list(log.parent.iterdir()) == []


def test_a_file_that_cannot_be_opened_stops_the_start(tmp_path: Path) -> None:
    reason = refusal(service_environ(tmp_path, KV_AUDIT_LOG=str(tmp_path)))
    assert reason == f"KV_AUDIT_LOG: [Errno 21] Is a directory: '{tmp_path}'"


def test_the_log_and_the_audit_log_are_different_files(tmp_path: Path) -> None:
    path = str(tmp_path / "log")
    reason = refusal(service_environ(tmp_path, KV_AUDIT_LOG=path, KV_LOG_FILE=path))
    assert reason == "KV_AUDIT_LOG must not be KV_LOG_FILE"


def test_a_file_that_cannot_be_opened_again_stays_in_use(
    tmp_path: Path, tarantool: Tarantool, log: Path
) -> None:
    with service_process(
        tmp_path, **environ_for(tarantool, KV_AUDIT_LOG=str(log))
    ) as service:
        former = log.with_suffix(".1")
        log.rename(former)
        log.mkdir()
        service.send(signal.SIGHUP)
        wait_until(lambda: "audit log was not reopened" in service.stderr(), TIMEOUT)
        refused_login(service.url, "a")
        wait_until(lambda: has_lines(former), TIMEOUT)


def test_a_full_disk_fails_no_request_and_is_logged_once(
    tmp_path: Path, tarantool: Tarantool, log: Path
) -> None:
    with service_process(
        tmp_path, **environ_for(tarantool, KV_AUDIT_LOG=str(log))
    ) as service:
        log.unlink()
        log.symlink_to("/dev/full")
        service.send(signal.SIGHUP)
        wait_until(lambda: "no certificate to reload" in service.stderr(), TIMEOUT)
        for number in range(3):
            refused_login(service.url, str(number))
        full = f"the audit log {log} cannot be written: No space left on device"
        wait_until(lambda: full in service.stderr(), TIMEOUT)
        log.unlink()
        service.send(signal.SIGHUP)
        wait_until(log.exists, TIMEOUT)
        refused_login(service.url, "last")
        wait_until(lambda: has_lines(log), TIMEOUT)
        assert [line["request_id"] for line in lines_in(log)] == ["last"]
        wait_until(lambda: bool(LOST.search(service.stderr())), TIMEOUT)
        assert LOST.findall(service.stderr()) == ["3"]
        assert service.stderr().count(full) == 1


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_pipe_that_nobody_reads_stops_no_request(
    tmp_path: Path, tarantool: Tarantool, log: Path, workers: str
) -> None:
    os.mkfifo(log)
    reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    try:
        environ = environ_for(tarantool, KV_WORKERS=workers, KV_AUDIT_LOG=str(log))
        with service_process(tmp_path, **environ) as service:
            for number in range(MANY):
                refused_login(service.url, str(number))
            received = read_all(reader)
            assert UNREAD in service.stderr()
            # each worker reports what it has lost when it writes its next line
            sent = MANY
            while len(lines_of(received.decode())) + lost_by(service) < sent:
                assert sent < 2 * MANY
                refused_login(service.url, str(sent))
                sent += 1
                received += read_all(reader)
            assert service.stop() == 0
            received += read_all(reader)
            written = lines_of(received.decode())
            assert len({line["request_id"] for line in written}) == len(written)
            assert len(written) + lost_by(service) == sent
            assert service.stderr().count(UNREAD) <= int(workers)
    finally:
        os.close(reader)


def lost_by(service: ServiceProcess) -> int:
    return sum(map(int, LOST.findall(service.stderr())))


def read_all(descriptor: int) -> bytes:
    """What a pipe holds at this moment."""
    parts: list[bytes] = []
    while True:
        try:
            part = os.read(descriptor, 1 << 16)
        except BlockingIOError:
            part = b""
        if not part:
            return b"".join(parts)
        parts.append(part)


def test_a_pipe_without_a_reader_fails_no_request(
    tmp_path: Path, tarantool: Tarantool, log: Path
) -> None:
    os.mkfifo(log)
    reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
    environ = environ_for(tarantool, KV_AUDIT_LOG=str(log))
    try:
        with service_process(tmp_path, **environ) as service:
            os.close(reader)
            for number in range(3):
                refused_login(service.url, str(number))
            wait_until(lambda: "Broken pipe" in service.stderr(), TIMEOUT)
            # a line is written after its reply, and before the next request
            urlopen(f"{service.url}/livez", timeout=TIMEOUT).close()
            reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
            refused_login(service.url, "last")
            wait_until(lambda: bool(LOST.search(service.stderr())), TIMEOUT)
            assert LOST.findall(service.stderr()) == ["3"]
            assert [
                line["request_id"] for line in lines_of(read_all(reader).decode())
            ] == ["last"]
            assert service.stderr().count("Broken pipe") == 1
    finally:
        os.close(reader)


@pytest.mark.parametrize("workers", ["1", "2"])
def test_stdout_has_the_lines(
    tmp_path: Path, tarantool: Tarantool, workers: str
) -> None:
    environ = environ_for(tarantool, KV_WORKERS=workers, KV_AUDIT_LOG="-")
    with service_process(tmp_path, **environ) as service:
        ids = [str(number) for number in range(20)]
        for each in ids:
            refused_login(service.url, each)
        service.send(signal.SIGUSR1)
        refused_login(service.url, "last")
        assert service.stop() == 0
        written = [line["request_id"] for line in lines_of(service.stdout())]
        assert sorted(written) == sorted([*ids, "last"])


@pytest.mark.parametrize("workers", ["1", "2"])
def test_a_stdout_that_nobody_reads_stops_no_request(
    tmp_path: Path, tarantool: Tarantool, workers: str
) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        **environ_for(tarantool, KV_WORKERS=workers, KV_AUDIT_LOG="-"),
    }
    url = f"http://127.0.0.1:{environ['KV_PORT']}"
    with subprocess.Popen(
        SERVICE, cwd=ROOT, env=environ, stdout=PIPE, stderr=PIPE
    ) as process:
        try:
            assert process.stderr is not None
            assert any(SERVING.encode() in line for line in process.stderr)
            for number in range(MANY):
                refused_login(url, str(number))
            process.terminate()
            assert process.wait(PROCESS_TIMEOUT) == 0
            assert UNREAD in process.stderr.read().decode()
        finally:
            process.kill()


def test_the_log_has_the_changes_of_operators(tmp_path: Path) -> None:
    name = unique("user")
    calls = [
        f"create_account({lua(name)}, '{HASH}')",
        f"set_grants({lua(name)}, {{{{prefix = 'confidential/', rights = 'r'}}}})",
        f"set_password_hash({lua(name)}, '{HASH}')",
        f"make_administrator({lua(name)})",
        f"disable_account({lua(name)})",
        f"delete_account({lua(name)})",
        f"delete_account({lua(name)})",
        f"set_password_hash('{HASH}', {lua(name)})",
        "list_accounts()",
    ]
    with service_process(tmp_path) as service:
        for call in calls:
            local_console(service.data, f"kv.admin.{call}")
        of = f"kv: audit: {{}} '{name}' by admin at unix/:(socket): ok"
        expected = [
            of.format("create_account"),
            of.format("set_grants"),
            of.format("set_password_hash"),
            of.format("make_administrator"),
        ]
        wait_until(lambda: audited_in(service)[-1:] == [FAILED], TIMEOUT)
        audited = audited_in(service)
        assert audited[:4] == expected
        assert "confidential" not in service.stderr()
        assert HASH not in service.stderr()


FAILED = "kv: audit: set_password_hash by admin at unix/:(socket): failed"


def audited_in(service: ServiceProcess) -> list[str]:
    return re.findall("kv: audit: .*", service.stderr())


def test_a_line_has_its_members_in_the_order_of_the_page(
    tmp_path: Path, tarantool: Tarantool, log: Path
) -> None:
    environ = environ_for(tarantool, KV_AUDIT_LOG=str(log))
    with service_process(tmp_path, **environ) as service:
        refused_login(service.url, "a")
        wait_until(lambda: has_lines(log), TIMEOUT)
        (line,) = log.read_text().splitlines()
        assert list(json.loads(line)) == [
            *("timestamp", "request_id", "action", "client.address", "outcome"),
        ]
