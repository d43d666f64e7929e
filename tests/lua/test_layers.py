"""The lint step that checks the direction of the requires between the Lua modules."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.machine import ROOT

LINT = ROOT / ".ci" / "lua_layers.py"

#: A module of lua/, what is put in front of it, and the fault that is reported.
FAULTS = {
    "upward": (
        "kv/capacity/disk.lua",
        "local change_log = require('kv.data.change_log')",
        "kv.capacity.disk requires kv.data.change_log, which is in a higher layer",
    ),
    "upward-inside-a-function": (
        "kv/base/lru.lua",
        "local function late() return require('kv.api.v1') end",
        "kv.base.lru requires kv.api.v1, which is in a higher layer",
    ),
    "upward-without-parentheses": (
        "kv/accounts/grants.lua",
        'local store = require "kv.data.store"',
        "kv.accounts.grants requires kv.data.store, which is in a higher layer",
    ),
    "sideways": (
        "kv/api/v1.lua",
        "local admin = require('kv.admin')",
        "kv.api.v1 requires kv.admin, which is in the same layer",
    ),
    "cycle-in-a-package": (
        "kv/data/rows.lua",
        "local store = require('kv.data.store')",
        "a cycle is in these modules or below them: ",
    ),
    "computed-name": (
        "kv/start.lua",
        "local module = require(os.getenv('MODULE'))",
        "kv.start: the argument of a require is not a literal",
    ),
    "missing-module": (
        "kv/start.lua",
        "local missing = require('kv.missing')",
        "kv.start requires kv.missing, which does not exist",
    ),
    "module-without-a-layer": (
        "kv/stray.lua",
        "return {}",
        "kv.stray belongs to no layer",
    ),
}


def lint(*arguments: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, LINT, *arguments], capture_output=True, text=True
    )


@pytest.fixture
def lua(tmp_path: Path) -> Path:
    """A copy of the Lua modules."""
    return Path(shutil.copytree(ROOT / "lua", tmp_path / "lua"))


def test_every_require_points_downward() -> None:
    run = lint()
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.parametrize(("file", "line", "fault"), FAULTS.values(), ids=FAULTS)
def test_a_require_in_a_wrong_direction_is_reported(
    lua: Path, file: str, line: str, fault: str
) -> None:
    path = lua / file
    text = path.read_text() if path.exists() else ""
    path.write_text(f"{line}\n{text}")
    run = lint(lua)
    assert run.returncode == 1
    assert fault in run.stderr


def test_a_require_in_a_comment_is_no_require(lua: Path) -> None:
    path = lua / "kv" / "base" / "lru.lua"
    path.write_text(f"--- As require('kv.api.v1') does.\n{path.read_text()}")
    assert lint(lua).returncode == 0


def test_a_folder_without_modules_is_a_fault(tmp_path: Path) -> None:
    run = lint(tmp_path)
    assert run.returncode == 1
    assert "there are no modules" in run.stderr
