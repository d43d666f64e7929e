"""A disk that takes no more, for one instance."""

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol


class LocalInstance(Protocol):
    """A Tarantool whose process and files are on this machine."""

    @property
    def pid(self) -> int: ...

    @property
    def data(self) -> Path: ...


@contextlib.contextmanager
def full_disk(instance: LocalInstance, free: int = 0) -> Iterator[None]:
    """The instance's log takes this many bytes more.

    A limit on the size of files does what a full disk does, and needs no mount.
    """
    newest = max(instance.data.glob("*.xlog"))
    _limit_files(instance.pid, newest.stat().st_size + free)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):  # it has ended
            _limit_files(instance.pid, None)


def _limit_files(pid: int, size: int | None) -> None:
    """:param size: None: as it was"""
    what = resource.RLIMIT_FSIZE
    _, most = resource.prlimit(pid, what)
    resource.prlimit(pid, what, (most if size is None else size, most))
