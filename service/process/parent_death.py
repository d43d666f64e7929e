"""The end of a process when its parent dies, enforced by the kernel.

The embedded Tarantool does the same in Lua.
"""

import ctypes
import os
import signal
import sys

#: prctl(2).
PR_SET_PDEATHSIG = 1


def die_with(parent: int) -> None:
    """Lets the kernel kill this process when its parent dies, even by SIGKILL.

    An orphaned worker would keep the port, and nothing would replace it.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(signal.SIGKILL))
    if os.getppid() != parent:  # it died before the line above
        os._exit(1)
