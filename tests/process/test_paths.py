"""Data directories, backups and checkouts at any path that the file system accepts."""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.support.backups import BACKUP_TIMEOUT, make
from tests.support.client import Client
from tests.support.machine import ROOT
from tests.support.service import (
    ServiceProcess,
    service_environ,
    service_process,
    started,
)
from tests.support.tarantool import (
    ContainerTarantool,
    Tarantools,
    local_console,
    uses_containers,
)

NAMES = {
    "space-and-letters": "a b é 文 \u00a0",
    "fragment": "a#b",
    "query": "a?b=c&d",
    "colon": "user:password@host:3301",
    "brackets": "[a]{b}",
    "quotes": 'it\'s "a" `b`',
    "shell": "$HOME;&|<>~!(\\^",
    "percent": "%s%d%%20%",
    "wildcards": "*?[*]",
    "dash": "-e --help",
    "newlines": "a\nb\n",
    "control-characters": "\x01\t\x1b[1m\x7f",
    "not-utf-8": os.fsdecode(b"\xff\xfe\xc3"),
    "longest": "x" * 255,
    "deep": "/".join(["y" * 200] * 5),
    "trailing-slash": "a//b/./",
}

#: As arguments of make, where a newline ends the value and `$` begins a variable.
ARGUMENTS = {
    name: value.replace("$", "")
    for name, value in NAMES.items()
    if name in {"quotes", "shell", "percent", "wildcards", "dash", "not-utf-8", "deep"}
} | {
    "comment": "a#b;c d:=e",
    "backslash": "\\n\\",
    "trailing-slash": "a//b/./c/",
}


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """A connection for every request: services come and go."""
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


async def assert_keeps_data(
    session: aiohttp.ClientSession, folder: Path, **environ: str
) -> None:
    with service_process(folder, **environ) as service:
        client = await Client(session, service.url).enter()
        assert (await client.write({"k": 1})).status == 200
        service.stop()
        service.start()
        assert (await client.read(["k"])).json == {"data": {"k": 1}}


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
async def test_a_data_directory_may_have_any_name(
    tmp_path: Path, session: aiohttp.ClientSession, name: str
) -> None:
    data = tmp_path / name
    await assert_keeps_data(session, tmp_path, KV_DATA_DIR=f"{tmp_path}/{name}")
    assert (data / "console.sock").is_socket()
    assert [*data.glob("*.snap")] != []
    outputs = {"service.stdout", "service.stderr"}
    assert set(os.listdir(tmp_path)) == {name.split("/")[0]} | outputs


async def test_a_relative_data_directory_through_a_link(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    """`link/..` is the parent of what the link leads to."""
    (tmp_path / "there" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("there/below")
    up = "/".join([".."] * (len(ROOT.parts) - 1))
    data = f"{up}{tmp_path}/link/../data #1"
    await assert_keeps_data(session, tmp_path, KV_DATA_DIR=data)
    assert (tmp_path / "there" / "data #1" / "console.sock").is_socket()


@pytest.mark.parametrize("name", ["not-utf-8", "deep"])
async def test_every_worker_reaches_a_socket_at_any_path(
    tmp_path: Path, session: aiohttp.ClientSession, name: str
) -> None:
    data = f"{tmp_path}/{NAMES[name]}"
    await assert_keeps_data(session, tmp_path, KV_DATA_DIR=data, KV_WORKERS="2")


# Files outside the data directory


@pytest.mark.parametrize("end", ["#", "?", ":"])
def test_a_file_outside_the_data_directory_is_left_alone(
    tmp_path: Path, end: str
) -> None:
    bait = tmp_path / "bait"
    bait.write_text("a file of somebody else")
    with service_process(tmp_path, KV_DATA_DIR=f"{bait}{end}1"):
        assert bait.read_text() == "a file of somebody else"


@pytest.mark.parametrize("end", ["#", "?", ":"])
def test_an_address_of_the_absolute_path_replaces_that_file(
    tmp_path: Path, end: str
) -> None:
    """The control of the test above."""
    bait = tmp_path / "bait"
    bait.write_text("a file of somebody else")
    listen = "require('console').listen('unix/:' .. os.getenv('CONSOLE')) os.exit(0)"
    subprocess.run(
        ["tarantool", "-e", listen],
        env={"PATH": os.environ["PATH"], "CONSOLE": f"{bait}{end}1/console.sock"},
        check=True,
    )
    assert bait.is_socket()


def test_a_stale_socket_is_replaced(tmp_path: Path) -> None:
    with service_process(tmp_path) as service:
        service.stop(signal.SIGKILL)
        assert (service.data / "console.sock").is_socket()
        assert (service.data / "tarantool.sock").is_socket()
        service.start()
        assert "ready" in local_console(service.data, "'ready'")


# Backups


@pytest.mark.parametrize("name", ARGUMENTS.values(), ids=ARGUMENTS)
def test_make_takes_any_name_for_its_folders(tmp_path: Path, name: str) -> None:
    data, backup = f"{tmp_path}/data/{name}", f"{tmp_path}/backup/{name}"
    with service_process(tmp_path, KV_DATA_DIR=data):
        for run in make("backup", data, TO=backup), make("verify", data, FROM=backup):
            assert run.returncode == 0, run.stderr
            assert ": keys: 0, " in run.stdout
    run = make("restore", f"{tmp_path}/restored/{name}", FROM=backup)
    assert run.returncode == 0, run.stderr
    assert [*Path(tmp_path, "restored", name).glob("*.snap")] != []
    again = make("restore", f"{tmp_path}/restored/{name}", FROM=backup)
    assert f"{tmp_path / 'restored' / name} is not empty" in again.stderr
    assert set(os.listdir(tmp_path)) <= {
        *("data", "backup", "restored"),
        *("service.stdout", "service.stderr"),
    }


def test_folders_through_links_are_those_that_the_links_lead_to(tmp_path: Path) -> None:
    (tmp_path / "there" / "below").mkdir(parents=True)
    (tmp_path / "link").symlink_to("there/below")
    up = f"{tmp_path}/link/.."
    with service_process(tmp_path, KV_DATA_DIR=f"{up}/data"):
        for run in (
            make("backup", f"{up}/data", TO=f"{up}/backup"),
            make("verify", f"{up}/data", FROM=f"{up}/backup"),
        ):
            assert run.returncode == 0, run.stderr
    run = make("restore", f"{up}/restored", FROM=f"{up}/backup")
    assert run.returncode == 0, run.stderr
    assert {*os.listdir(tmp_path / "there")} == {"below", "data", "backup", "restored"}


@pytest.mark.parametrize("name", ["shell", "newlines"])
def test_make_takes_from_the_environment_what_is_no_argument(
    tmp_path: Path, name: str
) -> None:
    data, backup = f"{tmp_path}/data/{NAMES[name]}", f"{tmp_path}/to/{NAMES[name]}"
    environ = {"PATH": os.environ["PATH"], "KV_DATA_DIR": data}
    with service_process(tmp_path, KV_DATA_DIR=data):
        for target, folder in ("backup", "TO"), ("verify", "FROM"):
            subprocess.run(
                ["make", "-s", target],
                cwd=ROOT,
                env=environ | {folder: backup},
                check=True,
                timeout=BACKUP_TIMEOUT,
            )
    assert Path(backup, "SHA256SUMS").exists()


COMPOSE = """\
#!/bin/sh
case $1 in
exec) shift 3; exec docker exec -i {container} "$@" ;;
run) shift 5; exec docker run --rm -i {image} "$@" ;;
esac
"""


@pytest.fixture(scope="module")
def compose(
    tarantools: Tarantools, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A replacement of `docker compose` with the calls of docker/backup.sh."""
    if not uses_containers():
        pytest.skip("the tests use no container")
    with tarantools.running() as instance:
        assert isinstance(instance, ContainerTarantool)
        program = tmp_path_factory.mktemp("compose") / "compose"
        program.write_text(COMPOSE.format(container=instance.id, image=instance.image))
        program.chmod(0o755)
        yield program


@pytest.mark.parametrize("name", ARGUMENTS.values(), ids=ARGUMENTS)
def test_make_takes_any_name_for_the_folders_of_a_compose_project(
    tmp_path: Path, compose: Path, name: str
) -> None:
    checkout = tmp_path / "checkout"
    (checkout / "docker").mkdir(parents=True)
    shutil.copy(ROOT / "Makefile", checkout)
    shutil.copy(ROOT / "docker" / "backup.sh", checkout / "docker")
    folder = name.rstrip("/")
    for target, word in ("backup", "TO"), ("verify", "FROM"), ("restore", "FROM"):
        run = subprocess.run(
            ["make", "-s", f"{target}-compose", f"{word}={name}"],
            cwd=checkout,
            env={"PATH": os.environ["PATH"], "COMPOSE": str(compose)},
            capture_output=True,
            text=True,
            errors="surrogateescape",
            timeout=BACKUP_TIMEOUT,
        )
        assert run.returncode == 0, run.stderr
        shown = f"./{folder}" if folder.startswith("-") else folder
        assert run.stdout.startswith(f"{shown}: keys: ")
    assert {*os.listdir(checkout)} == {"Makefile", "docker", name.split("/")[0]}


# Checkouts


def checkout_at(path: Path) -> Path:
    """Copies the files that `make run` and `make backup` use, without `.venv`."""
    for name in "lua", "migrations", "service":
        shutil.copytree(
            ROOT / name, path / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in "Makefile", "requirements.txt":
        shutil.copy(ROOT / name, path)
    return path


CHECKOUTS = {
    "template": "a;b?c;?",
    "pattern": "%s %1 it's [a-z]*",
    "address": '#é\\^{}|"',
    "not-utf-8-and-long": "x" * 200 + os.fsdecode(b"/\xff"),
    "newline": "a\nb",
}


@pytest.mark.parametrize("name", CHECKOUTS.values(), ids=CHECKOUTS)
async def test_a_checkout_may_lie_at_any_path(
    tmp_path: Path, session: aiohttp.ClientSession, name: str
) -> None:
    checkout = checkout_at(tmp_path / name)
    environ = service_environ(tmp_path, KV_DATA_DIR="./var")
    with started(ServiceProcess(tmp_path, environ, checkout)) as service:
        client = await Client(session, service.url).enter()
        assert (await client.write({"k": 1})).status == 200
        assert (checkout / "var" / "console.sock").is_socket()
        run = make("backup", "./var", checkout=checkout, TO="backup/it's")
        assert run.returncode == 0, run.stderr
        assert run.stdout.startswith("backup/it's: keys: 1, ")
        run = make("verify", "./var", checkout=checkout, FROM="backup/it's")
        assert run.returncode == 0, run.stderr
    run = make("restore", "restored", checkout=checkout, FROM="backup/it's")
    assert run.returncode == 0, run.stderr


def test_make_says_that_venv_refuses_a_colon(tmp_path: Path) -> None:
    checkout = checkout_at(tmp_path / "a:b")
    run = subprocess.run(
        ["make", "-s", "run", f"PYTHON={sys.executable}"],
        cwd=checkout,
        capture_output=True,
        text=True,
        timeout=BACKUP_TIMEOUT,
    )
    assert run.returncode != 0
    first, *_ = run.stderr.splitlines()
    assert "a colon" in first
    assert str(checkout) in first
    assert not (checkout / ".venv").exists()
