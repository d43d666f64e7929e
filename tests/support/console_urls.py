"""The files of the web console, and the paths at which a service has them."""

import urllib.request
from pathlib import Path

from tests.support.machine import ROOT

FOLDER = ROOT / "service" / "console"

#: Seconds until a file is there, on a busy machine.
TIMEOUT = 5.0


def path_of(file: Path) -> str:
    name = file.relative_to(FOLDER).as_posix()
    return "/" if name == "index.html" else f"/console/{name}"


#: The files by their paths.
CONSOLE_FILES = {
    path_of(file): file for file in sorted(FOLDER.rglob("*")) if file.is_file()
}


def assert_console_is_served(url: str) -> None:
    """A service that runs elsewhere, as from an image, has every file as it is here."""
    assert {"/", "/console/main.js"} <= CONSOLE_FILES.keys()
    for path, file in CONSOLE_FILES.items():
        with urllib.request.urlopen(url + path, timeout=TIMEOUT) as reply:
            assert reply.read() == file.read_bytes(), path
