"""A clone has the same bytes everywhere: the hashes of migrations depend on them."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support.machine import ROOT

ATTRIBUTES = ".gitattributes"
DIRECTORIES = ("lua", "migrations", "service", "docker", ".ci")
FILES = ("Makefile", "requirements.txt", "docker-compose.yml", ATTRIBUTES)

#: As Git for Windows is set up.
WINDOWS = ["-c", "core.autocrlf=true", "-c", "core.eol=crlf"]


def git(folder: Path, *arguments: str) -> None:
    someone = ["-c", "user.name=someone", "-c", "user.email=someone@localhost"]
    subprocess.run(["git", *someone, *arguments], cwd=folder, check=True)


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    """A repository with copies of the files that an operator needs."""
    folder = tmp_path / "repository"
    folder.mkdir()
    for name in DIRECTORIES:
        shutil.copytree(
            ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    for name in FILES:
        shutil.copy(ROOT / name, folder)
    git(folder, "init", "-q")
    return folder


def cloned(repository: Path) -> Path:
    """A clone with the line ends of Windows, as far as the repository permits."""
    git(repository, "add", "-A")
    git(repository, "commit", "-q", "-m", "Everything")
    clone = repository.with_name("clone")
    git(repository, "clone", "-q", *WINDOWS, str(repository), str(clone))
    return clone


def changed(repository: Path, clone: Path) -> set[str]:
    """The files whose bytes are others in the clone."""
    files = (path.relative_to(clone) for path in clone.rglob("*") if path.is_file())
    return {
        str(file)
        for file in files
        if file.parts[0] != ".git"
        and (clone / file).read_bytes() != (repository / file).read_bytes()
    }


def test_a_clone_on_windows_has_the_same_files(repository: Path) -> None:
    clone = cloned(repository)
    assert (clone / "migrations" / "0001_create_users.lua").exists()
    assert changed(repository, clone) == set()


def test_without_the_attributes_line_ends_are_converted(repository: Path) -> None:
    """The control of the test above."""
    (repository / ATTRIBUTES).unlink()
    others = changed(repository, cloned(repository))
    assert {"migrations/0001_create_users.lua", "docker/backup.sh"} <= others
