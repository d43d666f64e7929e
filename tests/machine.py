"""Small things that every suite needs of the machine."""

import socket
import time
from collections.abc import Callable

POLL_INTERVAL = 0.02


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


def wait_until(condition: Callable[[], bool], timeout: float) -> None:
    """:raises TimeoutError: the condition did not come true in so many seconds"""
    deadline = time.monotonic() + timeout
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"not within {timeout} s: {condition}")
        time.sleep(POLL_INTERVAL)
