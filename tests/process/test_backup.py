"""Backups of a store under load: complete, verified, and atomic."""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import stat
import subprocess
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from tests.support.access_tokens import created, delete_token, tokens_of, using
from tests.support.backups import BACKUP_TIMEOUT, copying_program, made, make, restored
from tests.support.client import Client
from tests.support.machine import alive, wait_until
from tests.support.service import ServiceProcess, service_process
from tests.support.tarantool import LocalTarantool, Tarantools, evaluated

MANIFEST, SUMS = "manifest.json", "SHA256SUMS"
WRITERS = 4

#: Writes of each writer before the backup begins, and after it is made.
WRITES = 20

#: Seconds after the start of the program at which the instance is killed: it takes
#: about half a second.
MOMENTS = [part / 16 for part in range(10)]

FILL = """
(function()
    local random = require('digest').urandom
    for batch = 1, {batches} do
        local keys, values = {{}}, {{}}
        for i = 1, 100 do
            keys[i] = ('filler/%03d/%03d'):format(batch, i)
            values[i] = '"' .. random(150):hex() .. '"'
        end
        kv.v1.put({{'ann', 1}}, keys, values)
    end
    return box.space.kv:len()
end)()
"""


class Batch(NamedTuple):
    """An acknowledged write."""

    revision: int
    writer: int
    number: int

    def data(self) -> dict[str, int]:
        return {
            f"{self.writer}/{self.number}/a": self.number,
            f"{self.writer}/{self.number}/b": self.number,
            f"{self.writer}/last": self.number,
        }


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:
        yield session


@pytest.fixture
def own(tarantools: Tarantools) -> Iterator[LocalTarantool]:
    """An instance with an account and the keys of two writes."""
    with tarantools.local() as instance:
        prepare(instance)
        yield instance


def prepare(instance: LocalTarantool) -> None:
    instance.start()
    instance.console("kv.v1.create_user('ann', 'a hash')")
    put(instance, a=1, b=1)
    put(instance, b=2, c=2)


@pytest.fixture(scope="module")
def backup(tarantools: Tarantools, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A backup of such an instance: to be copied, not changed."""
    with tarantools.local() as instance:
        prepare(instance)
        folder = tmp_path_factory.mktemp("backup") / "whole"
        return made(instance.data, folder)


def put(instance: LocalTarantool, **data: int) -> None:
    keys = ", ".join(f"'{key}'" for key in data)
    values = ", ".join(f"'{value}'" for value in data.values())
    instance.console(f"kv.v1.put({{'ann', 1}}, {{{keys}}}, {{{values}}})")


def delete(instance: LocalTarantool, key: str) -> None:
    instance.console(f"kv.v1.delete({{'ann', 1}}, {{'{key}'}})")


def snapshots(folder: Path) -> list[Path]:
    return [*folder.glob("*.snap")]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


class Load:
    """Writers that write until `stop` is set, and the replies that they got."""

    def __init__(self, client: Client) -> None:
        self.client = client
        self.acknowledged: list[Batch] = []
        self._awaited = 0
        self._come = asyncio.Event()
        self._stop = False

    async def _write(self, writer: int) -> None:
        for number in itertools.count():
            if self._stop:
                return
            batch = Batch(0, writer, number)
            reply = await self.client.write(batch.data())
            assert reply.status == 200
            self.acknowledged.append(batch._replace(revision=reply.revision))
            if len(self.acknowledged) >= self._awaited:
                self._come.set()

    async def _more(self) -> None:
        self._awaited = len(self.acknowledged) + WRITERS * WRITES
        self._come.clear()
        await self._come.wait()

    async def during(self, work: Callable[[], None]) -> None:
        """Writes before, during and after the work."""
        async with asyncio.TaskGroup() as tasks:
            for writer in range(WRITERS):
                tasks.create_task(self._write(writer))
            await self._more()
            await asyncio.to_thread(work)
            await self._more()
            self._stop = True

    def until(self, revision: int) -> dict[str, int]:
        """The contents of the store at this revision."""
        found: dict[str, int] = {}
        for batch in sorted(self.acknowledged):
            if batch.revision <= revision:
                found |= batch.data()
        return found


async def everything(client: Client) -> dict[str, int]:
    found: dict[str, int] = {}
    async for page in client.pages("", values=True):
        found |= page["data"]
    return found


async def test_a_backup_under_load_is_the_store_at_one_revision(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    with service_process(tmp_path) as service:
        client = await Client(session, service.url).enter()
        load = Load(client)
        await load.during(lambda: void(made(service.data, tmp_path / "backup")))
    manifest = json.loads((tmp_path / "backup" / MANIFEST).read_text())
    revision = manifest["revision"]
    written = sorted(batch.revision for batch in load.acknowledged)
    assert written == [*range(1, len(written) + 1)]
    assert WRITERS * WRITES <= revision <= len(written) - WRITERS * WRITES

    data = restored(tmp_path / "backup", tmp_path / "restored")
    with service_process(tmp_path, KV_DATA_DIR=str(data)) as service:
        client = await Client(session, service.url).enter()
        found = await everything(client)
        assert found == load.until(revision)
        assert (manifest["keys"], manifest["accounts"]) == (len(found), 1)
        assert (await client.write({"next": 1})).status == 200


def void(_: object) -> None:
    pass


@contextlib.contextmanager
def service_on(
    tmp_path: Path, backup: Path, **secrets: str
) -> Iterator[ServiceProcess]:
    """A service on the restored data, next to these secrets."""
    data = tmp_path / "restored"
    data.mkdir(mode=0o700)
    for name, secret in secrets.items():
        (data / name).write_text(secret)
    restored(backup, data)
    with service_process(tmp_path, KV_DATA_DIR=str(data)) as service:
        yield service


@pytest.mark.parametrize("keeps_secret", [True, False])
async def test_accounts_and_expiry_come_back_and_no_token_does(
    tmp_path: Path, session: aiohttp.ClientSession, keeps_secret: bool
) -> None:
    with service_process(tmp_path) as service:
        client = Client(session, service.url)
        assert (await client.register("ann", "password")).status == 200
        assert (await client.login("ann", "password")).status == 200
        assert (await client.write({"k": "for a while"}, ttl=1000)).status == 200
        revoked, other = await created(client), await created(client)
        folder = made(service.data, tmp_path / "backup")
        secret = (service.data / "jwt_secret").read_text()
        await delete_token(client, revoked["id"])
        tokens = [client.token]
        for _ in range(2):  # the second is of a version the backup knows nothing of
            assert (await client.login("ann", "password")).status == 200
            tokens.append(client.token)
            assert (await client.post("/api/logout")).status == 200
    kept = {"jwt_secret": secret} if keeps_secret else {}
    with service_on(tmp_path, folder, **kept) as service:
        client = Client(session, service.url)
        code = "token_revoked" if keeps_secret else "token_invalid"
        for _ in range(3):
            for client.token in tokens:
                assert (await client.read(["k"])).json["code"] == code
            assert (await client.login("ann", "password")).status == 200
            assert (await client.post("/api/logout")).status == 200
        for token in revoked, other:
            program = using(client, token["token"])
            assert (await program.read(["k"])).json["code"] == "token_revoked"
        assert (await client.login("ann", "password")).status == 200
        assert await tokens_of(client) == []
        program = using(client, (await created(client))["token"])
        assert (await program.read(["k"])).status == 200
        read = (await client.read(["k"], revisions=True)).json
        assert read["data"] == {"k": "for a while"}
        assert 900 < read["ttl"]["k"] < 1000


async def test_no_revision_is_assigned_again(
    tmp_path: Path, session: aiohttp.ClientSession
) -> None:
    with service_process(tmp_path) as service:
        client = await Client(session, service.url).enter()
        kept = (await client.write({"k": "kept"})).revision
        folder = made(service.data, tmp_path / "backup")
        lost = [(await client.write({"k": n})).revision for n in range(3)]
    with service_on(tmp_path, folder) as service:
        client = await Client(session, service.url).enter()
        read = await client.read(["k"], revisions=True)
        assert read.json["revisions"] == {"k": kept}
        for revision in lost:
            reply = await client.write({"k": 0}, **{"if": {"k": revision}})
            assert reply.status == 412
            reply = await client.request("GET", f"/api/changes?since={revision}")
            assert reply.json["code"] == "revision_compacted"
        again = (await client.write({"k": "new"})).revision
        assert again > max(lost)
        changes = await client.request("GET", f"/api/changes?since={again - 1}")
        assert [change["revision"] for change in changes.json["changes"]] == [again]
    with service_process(tmp_path, KV_DATA_DIR=str(tmp_path / "restored")) as service:
        client = await Client(session, service.url).enter()
        assert (await client.write({"k": "newer"})).revision == again + 1


def test_a_backup_has_no_secrets_and_is_its_owner_s_alone(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        with service_process(tmp_path) as service:
            folder = made(service.data, tmp_path / "backup")
            secrets = [
                (service.data / name).read_bytes()
                for name in ("jwt_secret", "tarantool_password")
            ]
        data = restored(folder, tmp_path / "restored")
    finally:
        os.umask(before)
    (snapshot,) = snapshots(folder)
    files = {snapshot, folder / MANIFEST, folder / SUMS}
    assert {*folder.iterdir()} == files
    assert [mode(folder), mode(data)] == [0o700] * 2
    assert {mode(file) for file in files | {*data.iterdir()}} == {0o600}
    content = b"".join(file.read_bytes() for file in files)
    assert [secret for secret in secrets if secret in content] == []


def test_sha256sum_reads_the_sums(backup: Path) -> None:
    subprocess.run(["sha256sum", "--strict", "-c", SUMS], cwd=backup, check=True)


def test_the_console_makes_backups_too(own: LocalTarantool, tmp_path: Path) -> None:
    made_there = evaluated(own, f"kv.admin.backup('{tmp_path}/backup')")
    assert (made_there["revision"], made_there["keys"]) == (2, 3)
    assert made_there["compared"]["equal"] == 3
    assert "kv.admin.backup" in evaluated(own, "kv.admin.help('backup')")
    assert "absolute path" in own.console("kv.admin.backup('backup')")
    restored(tmp_path / "backup", tmp_path / "restored")


def flipped(content: bytes, position: int) -> bytes:
    changed = bytearray(content)
    changed[position] ^= 1
    return bytes(changed)


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "first-bit": lambda content: flipped(content, 0),
    "middle-bit": lambda content: flipped(content, len(content) // 2),
    "last-bit": lambda content: flipped(content, -1),
    "cut": lambda content: content[:-1],
    "longer": lambda content: content + b"\0",
    "empty": lambda content: b"",
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
@pytest.mark.parametrize("pattern", ["*.snap", MANIFEST, SUMS])
def test_a_damaged_backup_is_refused(
    backup: Path, tmp_path: Path, pattern: str, damage: Callable[[bytes], bytes]
) -> None:
    damaged = shutil.copytree(backup, tmp_path / "damaged")
    (file,) = damaged.glob(pattern)
    file.write_bytes(damage(file.read_bytes()))
    run = make("restore", tmp_path / "data", FROM=damaged)
    assert run.returncode != 0
    assert str(file) in run.stderr
    assert "damaged" in run.stderr
    assert snapshots(tmp_path / "data") == []


@pytest.mark.parametrize("pattern", ["*.snap", MANIFEST, SUMS])
def test_a_backup_with_a_file_missing_is_refused(
    backup: Path, tmp_path: Path, pattern: str
) -> None:
    damaged = shutil.copytree(backup, tmp_path / "damaged")
    (file,) = damaged.glob(pattern)
    file.unlink()
    run = make("restore", tmp_path / "data", FROM=damaged)
    assert run.returncode != 0
    assert file.name in run.stderr
    assert snapshots(tmp_path / "data") == []


def test_a_restore_refuses_a_folder_with_data(
    backup: Path, own: LocalTarantool
) -> None:
    put(own, b=3)
    in_use = make("restore", own.data, FROM=backup)
    own.kill()
    there = {path.name: path.read_bytes() for path in own.data.glob("0*")}
    not_empty = make("restore", own.data, FROM=backup)
    assert "in use" in in_use.stderr
    assert "not empty" in not_empty.stderr
    assert 0 not in (in_use.returncode, not_empty.returncode)
    assert {path.name: path.read_bytes() for path in own.data.glob("0*")} == there


def test_a_folder_that_a_service_has_locked_is_in_use(
    backup: Path, tmp_path: Path
) -> None:
    command = [
        "flock",
        str(tmp_path / "lock"),
        "sh",
        "-c",
        "echo locked; exec sleep 60",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as service:
        assert service.stdout is not None
        service.stdout.readline()
        try:
            run = make("restore", tmp_path, FROM=backup)
        finally:
            service.kill()
    assert "in use" in run.stderr
    assert restored(backup, tmp_path / "free")


def test_a_restore_that_was_killed_can_be_made_again(
    backup: Path, tmp_path: Path
) -> None:
    (tmp_path / "restore.draft").write_bytes(b"half of a snapshot")
    restored(backup, tmp_path)
    assert not (tmp_path / "restore.draft").exists()


def test_later_writes_are_distinguished_from_faults(
    own: LocalTarantool, tmp_path: Path
) -> None:
    folder = made(own.data, tmp_path / "backup")
    put(own, b=3, d=3)
    delete(own, "c")
    run = make("verify", own.data, FROM=folder)
    assert run.returncode == 0, run.stderr
    counts = "equal: 1, changed since: 1, deleted since: 1, new since: 1"
    assert counts in run.stdout
    own.console("box.space.kv_changes:truncate()")
    run = make("verify", own.data, FROM=folder)
    assert run.returncode == 0
    assert "deleted since: 0" in run.stdout
    assert "does not go back that far: 1" in run.stdout


FAULTS = {
    "another-value": (
        "box.space.kv:update('a', {{'=', 'value', '7'}})",
        "'a' has another value",
    ),
    "another-expiry": (
        "box.space.kv:update('a', {{'=', 'expires_at', 7}})",
        "'a' has another value",
    ),
    "another-revision": (
        "box.space.kv:update('b', {{'=', 'revision', 1}})",
        "'b' is of another revision",
    ),
    "missing-in-the-backup": (
        "box.space.kv:insert({'aa', '7', 2})",
        "'aa' is missing",
    ),
    "never-in-the-store": (
        "box.space.kv:delete('c')",
        "'c' was never in the store",
    ),
}


@pytest.mark.parametrize(("fault", "named"), FAULTS.values(), ids=FAULTS)
def test_a_backup_of_something_else_is_noticed(
    own: LocalTarantool, tmp_path: Path, fault: str, named: str
) -> None:
    """The control of the comparison: a difference that no write accounts for."""
    folder = made(own.data, tmp_path / "backup")
    put(own, d=3)
    assert make("verify", own.data, FROM=folder).returncode == 0
    own.console(fault)
    run = make("verify", own.data, FROM=folder)
    assert run.returncode != 0
    assert f"1 keys differ: {named}" in run.stderr


#: A line of the comparison, and its variant with enough keys that a page of them takes
#: longer than the 1 s for which 3.x lets a fiber run.
FOUND = "local other = rows[row.key]"
FOUND_SLOWLY = f"""
        local deadline = require('clock').monotonic() + 0.5
        repeat box.space.kv:get(row.key) until require('clock').monotonic() > deadline
        {FOUND}
"""


def test_a_page_that_is_compared_for_long_is_no_fault(
    own: LocalTarantool, tmp_path: Path
) -> None:
    compare = own.init.parent / "kv" / "backup" / "compare.lua"
    source = compare.read_text()
    assert source.count(FOUND) == 1
    compare.write_text(source.replace(FOUND, FOUND_SLOWLY))
    made(own.data, tmp_path / "backup")


def in_background(work: Callable[[], object]) -> threading.Thread:
    thread = threading.Thread(target=work)
    thread.start()
    return thread


def test_one_of_two_concurrent_backups_is_refused(
    own: LocalTarantool, tmp_path: Path
) -> None:
    first = in_background(lambda: made(own.data, tmp_path / "first"))
    program = copying_program(own.pid)
    os.kill(program, signal.SIGSTOP)
    second = make("backup", own.data, TO=tmp_path / "second")
    os.kill(program, signal.SIGCONT)
    first.join()
    assert "another backup is in progress" in second.stderr
    assert second.returncode != 0
    assert not (tmp_path / "second").exists()
    restored(tmp_path / "first", tmp_path / "restored")


def test_calls_continue_while_the_copy_stands_still(
    own: LocalTarantool, tmp_path: Path
) -> None:
    thread = in_background(lambda: made(own.data, tmp_path / "backup"))
    program = copying_program(own.pid)
    os.kill(program, signal.SIGSTOP)
    put(own, b=3)
    own.console("box.snapshot()")  # the one that is copied is not collected
    os.kill(program, signal.SIGCONT)
    thread.join()
    restored(tmp_path / "backup", tmp_path / "restored")


def test_a_program_that_is_killed_leaves_no_folder(
    own: LocalTarantool, tmp_path: Path
) -> None:
    runs: list[subprocess.CompletedProcess[str]] = []
    folder = tmp_path / "backup"
    thread = in_background(lambda: runs.append(make("backup", own.data, TO=folder)))
    os.kill(copying_program(own.pid), signal.SIGKILL)
    thread.join()
    assert runs[0].returncode != 0
    assert "killed" in runs[0].stderr
    assert not folder.exists()
    made(own.data, folder)


def test_a_crash_in_the_middle_leaves_nothing_that_a_restore_takes(
    own: LocalTarantool, tmp_path: Path
) -> None:
    evaluated(own, FILL.format(batches=100))
    interrupted = 0
    for number, moment in enumerate(MOMENTS):
        folder = tmp_path / f"backup-{number}"
        crash_during_backup(own, folder, moment)
        complete = (folder / SUMS).exists()
        run = make("restore", tmp_path / f"restored-{number}", FROM=folder)
        assert (run.returncode == 0) == complete
        interrupted += not complete
        own.start()
    assert interrupted > 0
    made(own.data, tmp_path / "backup")


def crash_during_backup(own: LocalTarantool, folder: Path, moment: float) -> None:
    """Kills the instance this many seconds after it has started the program."""
    thread = in_background(lambda: make("backup", own.data, TO=folder))
    program = copying_program(own.pid)
    with contextlib.suppress(TimeoutError):
        wait_until(lambda: not alive(program), moment)
    own.kill()
    thread.join()
    wait_until(lambda: not alive(program), BACKUP_TIMEOUT)


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", str(folder)]
    subprocess.run(mount, check=True)
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root makes a disk to fill")
@pytest.mark.parametrize("batches", [1, 100])
def test_a_full_disk_at_the_target_is_an_error_and_no_backup(
    own: LocalTarantool, tmp_path: Path, batches: int
) -> None:
    """The disk has space for one copy of a batch, but not for another to compare."""
    keys = evaluated(own, FILL.format(batches=batches))
    with small_disk(tmp_path / "disk", "32k") as disk:
        run = make("backup", own.data, TO=disk / "backup")
        assert run.returncode != 0
        assert str(disk / "backup") in run.stderr
        assert "No space left" in run.stderr or "the disk took" in run.stderr
        assert [*disk.iterdir()] == []
    put(own, b=3)
    folder = made(own.data, tmp_path / "backup")
    assert json.loads((folder / MANIFEST).read_text())["keys"] == keys
