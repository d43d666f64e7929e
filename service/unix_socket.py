"""Paths of unix sockets, whose length is limited more than that of other paths."""

import contextlib
import os
from collections.abc import Iterator

#: Bytes: sun_path of sockaddr_un holds 108, the last of them zero (unix(7)).
MAX_PATH = 107


@contextlib.contextmanager
def connectable(path: str) -> Iterator[str]:
    """A path to the same socket that is short enough for connect(2), for as long as the
    context lasts: a long one leads through a descriptor of the socket's directory.

    :raises OSError: there is no such directory
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
