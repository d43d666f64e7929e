"""Backups as an operator makes them, and the program that an instance runs for one."""

import subprocess
from pathlib import Path

from tests.support.machine import ROOT, command_line, wait_until

#: Seconds for a backup of a test's store.
BACKUP_TIMEOUT = 60.0


def make(
    target: str, data: Path | str, *, checkout: Path = ROOT, **folders: Path | str
) -> subprocess.CompletedProcess[str]:
    """`make backup TO=…`, `make restore FROM=…`, `make verify FROM=…`"""
    words = [f"{name}={folder}" for name, folder in folders.items()]
    return subprocess.run(
        ["make", "-s", target, f"KV_DATA_DIR={data}", *words],
        cwd=checkout,
        capture_output=True,
        text=True,
        errors="surrogateescape",
        timeout=BACKUP_TIMEOUT,
    )


def made(data: Path, folder: Path) -> Path:
    run = make("backup", data, TO=folder)
    assert run.returncode == 0, run.stderr
    return folder


def restored(backup: Path, data: Path) -> Path:
    run = make("restore", data, FROM=backup)
    assert run.returncode == 0, run.stderr
    return data


def copying_program(instance: int) -> int:
    """The process that the instance starts for a backup; waits for it.

    Call it at once: a program that has ended is not found.
    """
    found: list[int] = []

    def runs() -> bool:
        children = Path(f"/proc/{instance}/task/{instance}/children").read_text()
        found[:] = [pid for pid in map(int, children.split()) if is_program(pid)]
        return bool(found)

    wait_until(runs, BACKUP_TIMEOUT)
    return found[0]


def is_program(pid: int) -> bool:
    try:
        return "main.lua\0copy" in command_line(pid)
    except (FileNotFoundError, ProcessLookupError):
        return False
