"""The process that listens on a port of this machine, for the error about it."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

#: State of a listening socket in the kernel's tables.
LISTENING = "0A"

PROC = Path("/proc")


def port_holder(port: int) -> str:
    """Names the process; Linux shows other users' processes to root only."""
    sockets = {f"socket:[{inode}]" for inode in _listeners(port)}
    for process in PROC.glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if any(str(file.readlink()) in sockets for file in _files(process)):
                name = (process / "comm").read_text().strip()
                return f"{name}, process {process.name}"
    return "another program"


def _listeners(port: int) -> Iterator[str]:
    """The inodes of the sockets that listen on the port."""
    for table in ("tcp", "tcp6"):
        with contextlib.suppress(OSError):
            for line in (PROC / "net" / table).read_text().splitlines()[1:]:
                fields = line.split()
                if fields[3] == LISTENING and int(fields[1].split(":")[1], 16) == port:
                    yield fields[9]


def _files(process: Path) -> Iterator[Path]:
    for file in (process / "fd").iterdir():
        # it may have been closed in the meantime
        if file.is_symlink():
            yield file
