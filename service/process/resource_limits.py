"""The limit of descriptors, and the connections that it allows."""

import resource

from service.web.tls_listener import HANDSHAKES

#: Descriptors that are not client connections: logs, Tarantool, the loop, files.
OTHER_DESCRIPTORS = 64


def raise_descriptor_limit() -> None:
    """Raises the limit to its maximum: each watcher has a connection."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def max_connections(reserve: int, *, has_handshakes: bool) -> int:
    """The connections that the limit of descriptors allows; at least one.

    :param reserve: connections that are not counted
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    share = 1 + HANDSHAKES if has_handshakes else 1
    return max(1, int((soft - OTHER_DESCRIPTORS - reserve) / share))
