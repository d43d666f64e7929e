"""The load generator for counts of instructions: bursts of requests, one a connection.

A burst arrives while the server is suspended. So the server finds all its requests at
once, whatever the speed of the machine, and does the same work in each run.
"""

import contextlib
import socket
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from http.client import HTTPResponse

from benchmarks.measure.callgrind import suspended
from benchmarks.measure.processes import is_waiting

CONNECTIONS = 16

#: Seconds until the server replies, and until it is idle after its replies.
TIMEOUT = 60.0

#: Seconds between two checks of an idle server, and the checks in a row that find it
#: waiting: it may wait for a lock of Valgrind in between.
IDLE_INTERVAL, IDLE_CHECKS = 0.001, 3


class Bursts:
    """:param pid: of the server"""

    def __init__(self, pid: int, connections: Sequence[socket.socket]) -> None:
        self._pid = pid
        self._connections = connections

    def send(self, requests: Sequence[bytes]) -> None:
        """Sends the requests in bursts; returns after the reply to the last one.

        :raises RuntimeError: if a request fails
        :raises TimeoutError: if there is no reply in time
        """
        for begin in range(0, len(requests), CONNECTIONS):
            self._send_burst(requests[begin : begin + CONNECTIONS])

    def _send_burst(self, requests: Sequence[bytes]) -> None:
        used = self._connections[: len(requests)]
        with suspended(self._pid):
            for connection, request in zip(used, requests, strict=True):
                connection.sendall(request)
        for connection in used:
            response = HTTPResponse(connection)
            response.begin()
            reply = response.read()
            if response.status != HTTPStatus.OK:
                raise RuntimeError(f"{response.status}: {reply!r}")
        self._wait_until_idle()

    def _wait_until_idle(self) -> None:
        """After a reply the server has more to do, as counting the request.

        :raises TimeoutError: if it is not idle in time
        """
        deadline = time.monotonic() + TIMEOUT
        found = 0
        while found < IDLE_CHECKS:
            if time.monotonic() > deadline:
                raise TimeoutError(
                    f"the server is busy {TIMEOUT:g} s after its replies"
                )
            time.sleep(IDLE_INTERVAL)
            found = found + 1 if is_waiting(self._pid) else 0


@contextlib.contextmanager
def connected(port: int, pid: int) -> Iterator[Bursts]:
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(
                socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
            )
            for _ in range(CONNECTIONS)
        ]
        yield Bursts(pid, connections)
