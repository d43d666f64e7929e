"""Timeouts for clients that send or read too slowly.

The server checks all connections once per second: a timer per request would cost each
request. Event streams opt out: api/changes.py has timeouts of its own.
"""

from service.sizes import KIB

#: Bytes per second that a client has to send or read, in a body or a reply of any
#: length.
MIN_RATE = 16 * KIB

#: Seconds between two checks of the connections.
CHECK_INTERVAL = 1.0


class SendingClient:
    """The time that a client takes to send a request.

    :param timeout: seconds for the head of a request
    :ivar idle_seconds: since the last request, or since the body is awaited
    """

    __slots__ = ("_head_seconds", "_timeout", "idle_seconds")

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self.idle_seconds = self._head_seconds = 0.0

    def reset(self) -> None:
        self.idle_seconds = self._head_seconds = 0.0

    def is_too_slow(self, elapsed: float, *, in_head: bool) -> bool:
        """Whether a head has taken longer than the timeout.

        :param elapsed: seconds since the last check
        :param in_head: whether a head has begun and has not ended
        """
        self.idle_seconds += elapsed
        self._head_seconds = self._head_seconds + elapsed if in_head else 0.0
        # the head may have begun just before the first check that saw it
        return self._head_seconds > self._timeout + CHECK_INTERVAL


class ReadingClient:
    """The time that a client takes to read a reply.

    :param timeout: seconds in which it has to read that many at `MIN_RATE`
    """

    __slots__ = ("_requests", "_stalled_at", "_stalled_seconds", "_timeout", "_unsent")

    def __init__(self, timeout: float) -> None:
        self._timeout = timeout
        self._unsent = self._stalled_at = self._requests = 0
        self._stalled_seconds = 0.0

    def skip(self, unsent: int) -> None:
        """Records a check that has no consequences."""
        self._unsent = unsent

    def is_too_slow(self, elapsed: float, unsent: int, requests: int) -> bool:
        """Whether the client has read less than it had to within the timeout.

        :param elapsed: seconds since the last check
        :param unsent: bytes in the buffer of the transport
        :param requests: requests of the connection that have begun
        """
        before, self._unsent = self._unsent, unsent
        # a buffer only grows after the client has read: until then writing waits
        has_progress = not before or unsent > before or requests != self._requests
        if has_progress or self._stalled_at - unsent >= MIN_RATE * self._timeout:
            self._requests = requests
            self._stalled_at, self._stalled_seconds = unsent, 0.0
        elif unsent:
            self._stalled_seconds += elapsed
        return self._stalled_seconds > self._timeout
