"""The standard streams: stdin, stdout and stderr, which the parent may have closed."""

import os

#: Their descriptors.
STREAMS = range(3)


def open_standard_streams() -> None:
    """Opens `/dev/null` for each stream that is closed.

    Otherwise the next socket or file would get its number. What is written to stderr
    would get there, and libuv aborts the process when it closes such a descriptor.
    """
    for number in STREAMS:
        try:
            os.fstat(number)
        except OSError:
            # the lowest number that is free, which is this one
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)
