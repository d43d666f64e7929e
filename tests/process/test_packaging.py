"""The wheel, the systemd unit and the health check of the image."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import threading
import zipfile
from collections.abc import Iterator
from email.parser import Parser
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import aiohttp
import pytest

from service import __version__
from service.process import embedded_tarantool, workers
from tests.support.certificates import Pair
from tests.support.client import Client
from tests.support.console_urls import assert_console_is_served
from tests.support.machine import ROOT
from tests.support.service import (
    PROCESS_TIMEOUT,
    ServiceProcess,
    environ_for,
    service_environ,
    service_process,
    started,
)
from tests.support.tarantool import Tarantool

#: Seconds to build a wheel: pip fetches setuptools first.
BUILD_TIMEOUT = 120.0

UNIT = ROOT / "packaging" / "kv-service.service"

#: Fails above an exposure level of 2.0; a unit without any sandbox has 9.6.
SECURITY = ("security", "--offline=true", "--threshold=20")

#: Folders of the checkout that go into the wheel, and where.
CONTENT = {
    "service": "service",
    "lua": "service/lua",
    "migrations": "service/migrations",
}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, because a build leaves files in its source folder."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in CONTENT:
        caches = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, source / name, ignore=caches)
    for name in "setup.cfg", "pyproject.toml", "README.md":
        shutil.copy(ROOT / name, source)
    pip("wheel", "--no-deps", "--wheel-dir", str(built), str(source))
    (file,) = built.iterdir()
    return file


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The `bin` of an environment: the service from the wheel, the rest from ours."""
    folder = tmp_path_factory.mktemp("installed") / "env"
    create = [sys.executable, "-m", "venv", "--without-pip", str(folder)]
    subprocess.run(create, check=True, timeout=PROCESS_TIMEOUT)
    python = str(folder / "bin" / "python")
    pip("--python", python, "install", "--no-deps", "--no-index", str(wheel))
    (packages,) = folder.glob("lib/python*/site-packages")
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("\n".join(ours))
    return folder / "bin"


def pip(*arguments: str) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "pip", "-q", "--disable-pip-version-check", *arguments],
        cwd="/",
        capture_output=True,
        text=True,
        timeout=BUILD_TIMEOUT,
    )
    assert run.returncode == 0, run.stderr


def output(*command: str | Path, cwd: Path = ROOT) -> str:
    return subprocess.run(
        command,
        cwd=cwd,
        check=True,
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
    ).stdout.strip()


# The wheel


def test_the_wheel_has_every_file_that_runs_and_no_other(wheel: Path) -> None:
    expected = {
        f"{target}/{path.relative_to(ROOT / folder)}"
        for folder, target in CONTENT.items()
        for path in (ROOT / folder).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert len(expected) > 100
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == expected


@pytest.mark.parametrize("workers", ["1", "2"])
async def test_an_installed_service_registers_writes_and_reads(
    tmp_path: Path, installed: Path, workers: str
) -> None:
    """In a directory that has another package of the name `service`."""
    decoy = tmp_path / "service" / "__init__.py"
    decoy.parent.mkdir()
    decoy.write_text("raise RuntimeError('imported from the current directory')")
    environ = service_environ(tmp_path, KV_WORKERS=workers)
    command = [str(installed / "kv-service")]
    service = ServiceProcess(tmp_path, environ, tmp_path, command=command)
    with started(service):
        async with aiohttp.ClientSession() as session:
            client = Client(session, service.url)
            assert (await client.register("alice", "a password")).status == 200
            assert (await client.login("alice", "a password")).status == 200
            assert (await client.write({"k": [1]})).status == 200
            assert (await client.read(["k"])).json == {"data": {"k": [1]}}
        assert service.stop() == 0


def test_an_installed_service_has_the_console_of_the_wheel(
    tmp_path: Path, installed: Path
) -> None:
    command = [str(installed / "kv-service")]
    environ = service_environ(tmp_path)
    service = ServiceProcess(tmp_path, environ, tmp_path, command=command)
    with started(service):
        assert_console_is_served(service.url)


def test_an_installed_service_uses_the_lua_files_of_the_wheel(
    tmp_path: Path, installed: Path
) -> None:
    module = "service.process.embedded_tarantool"
    code = f"import {module} as module; print(module.lua_folder())"
    folder = output(installed / "python", "-P", "-c", code, cwd=tmp_path)
    assert Path(folder).is_relative_to(installed.parent)
    assert embedded_tarantool.lua_folder() == ROOT / "lua"


def test_the_version_has_one_source(wheel: Path, installed: Path) -> None:
    shown = f"kv-service {__version__}"
    assert output(installed / "kv-service", "--version") == shown
    assert output(sys.executable, "-m", "service", "--version") == shown
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("/METADATA")]
        metadata = Parser().parsestr(archive.read(name).decode())
    assert metadata["Version"] == __version__


def test_an_unknown_argument_is_refused(tmp_path: Path) -> None:
    run = subprocess.run(
        [sys.executable, "-m", "service", "--port=80"],
        cwd=ROOT,
        env=service_environ(tmp_path),
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
    )
    assert run.returncode == 2
    assert "unrecognized arguments: --port=80" in run.stderr
    assert not (tmp_path / "data").exists()


async def test_openapi_has_the_version_of_the_package(client: Client) -> None:
    document = (await client.request("GET", "/openapi.json")).json
    assert document["info"]["version"] == __version__


def test_the_paths_in_the_instructions_exist() -> None:
    text = (ROOT / "packaging" / "README.md").read_text()
    programs = re.findall(r"\$LUA/(\S+?\.lua)", text)
    assert programs
    assert [name for name in programs if not (ROOT / "lua" / name).is_file()] == []
    assert f"kv-service {__version__}\n" in text


# The systemd unit


def settings_of_unit() -> dict[str, str]:
    lines = (line.partition("=") for line in UNIT.read_text().splitlines())
    return {name: value for name, _, value in lines if not name.startswith("#")}


@pytest.fixture(scope="module")
def systemd_analyze() -> str:
    program = shutil.which("systemd-analyze")
    if program is None and not os.environ.get("CI"):
        pytest.skip("no systemd-analyze")
    assert program is not None, "no systemd-analyze"
    return program


def analyzed(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, capture_output=True, text=True, timeout=PROCESS_TIMEOUT
    )


def test_systemd_accepts_the_unit(
    tmp_path: Path, installed: Path, systemd_analyze: str
) -> None:
    command = settings_of_unit()["ExecStart"]
    unit = tmp_path / UNIT.name
    # the command has to exist
    unit.write_text(UNIT.read_text().replace(command, str(installed / "kv-service")))
    verified = analyzed(systemd_analyze, "verify", str(unit))
    assert (verified.returncode, verified.stderr) == (0, "")
    security = analyzed(systemd_analyze, *SECURITY, str(unit))
    assert security.returncode == 0, security.stdout


def test_systemd_refuses_a_unit_with_a_mistake(
    tmp_path: Path, systemd_analyze: str
) -> None:
    """The control of the test above."""
    unit = tmp_path / UNIT.name
    unit.write_text("[Service]\nExecStart=/bin/true\nNoSuchSetting=yes\n")
    assert "NoSuchSetting" in analyzed(systemd_analyze, "verify", str(unit)).stderr
    assert analyzed(systemd_analyze, *SECURITY, str(unit)).returncode != 0


def test_the_unit_leaves_time_for_a_graceful_stop() -> None:
    settings = settings_of_unit()
    longest = workers.STOP_TIMEOUT + embedded_tarantool.STOP_TIMEOUT
    assert longest < float(settings["TimeoutStopSec"])
    assert settings["KillMode"] == "mixed"
    assert settings["ExecReload"].endswith("-HUP $MAINPID")


def test_the_unit_is_hardened_and_stores_its_data_in_its_state_directory() -> None:
    settings = settings_of_unit()
    assert settings["NoNewPrivileges"] == "yes"
    assert settings["ProtectSystem"] == "strict"
    assert settings["DynamicUser"] == "yes"
    assert settings["Environment"] == f"KV_DATA_DIR=%S/{settings['StateDirectory']}"


# The health check of the image


def health(**environ: str) -> int:
    command = [sys.executable, "-m", "service.healthcheck"]
    # the image may run behind a proxy, which must not get the request
    proxy = {"http_proxy": "http://127.0.0.1:1", "https_proxy": "http://127.0.0.1:1"}
    run = subprocess.run(
        command, cwd=ROOT, env=environ | proxy, timeout=PROCESS_TIMEOUT
    )
    return run.returncode


def test_a_service_that_is_ready_is_healthy(
    tmp_path: Path, tarantool: Tarantool
) -> None:
    environ = environ_for(tarantool, KV_HOST="0.0.0.0")
    with service_process(tmp_path, **environ) as service:
        assert health(**environ) == 0
        service.stop(signal.SIGKILL)
        assert health(**environ) == 1


def test_a_service_with_tls_is_healthy_whatever_its_certificate_is_for(
    tmp_path: Path, tarantool: Tarantool, pair: Pair
) -> None:
    environ = environ_for(tarantool, **pair.environ())
    with service_process(tmp_path, **environ):
        assert health(**environ) == 0


class Unready(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(503 if self.path == "/readyz" else 200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def unready_service() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Unready) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_a_service_that_is_not_ready_is_not_healthy() -> None:
    with unready_service() as port:
        assert health(KV_PORT=str(port)) == 1
