"""Ties the life of a process to its parent, as lua/kv/base/parent_death.lua does."""

import ctypes
import os
import signal
import sys

#: prctl(2).
PR_SET_PDEATHSIG = 1


def hold(parent: int) -> None:
    """From now on the kernel kills this process when its parent dies in whatever way.

    A worker that nobody owns would keep the port, and nobody would replace it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)
