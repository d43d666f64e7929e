"""Paths of unix sockets, which the kernel limits to 107 bytes."""

import contextlib
import os
from collections.abc import Iterator

#: Bytes: `sun_path` of `sockaddr_un` has 108, the last of them zero (unix(7)).
MAX_PATH = 107


@contextlib.contextmanager
def connectable(path: str) -> Iterator[str]:
    """A path to the same socket that is short enough for connect(2).

    For a long path it leads through a descriptor of the socket's directory, which is
    open for as long as the context lasts.

    :raises OSError: the directory does not exist
    """
    if len(os.fsencode(path)) <= MAX_PATH:
        yield path
        return
    directory, name = os.path.split(path)
    descriptor = os.open(directory, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/{name}"
    finally:
        os.close(descriptor)
