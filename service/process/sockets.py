"""The sockets that the service listens on."""

import socket

from service.errors import StartError
from service.settings import Settings

#: Connections that wait to be accepted; the kernel may set a lower limit.
BACKLOG = 1024


def bind(settings: Settings, *, shared: bool = False) -> socket.socket:
    """The service's socket, bound but not listening: an occupied port fails early.

    :param shared: other shared sockets may be bound to the same port
    :raises StartError: the address cannot be bound
    """
    return bind_to(settings.host, settings.port, shared=shared)


def bind_to(host: str, port: int, *, shared: bool = False) -> socket.socket:
    """A socket, bound to this address but not listening.

    :param shared: other shared sockets may be bound to the same port
    :raises StartError: the address cannot be bound
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if shared:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        listener.bind((host, port))
    except OSError as error:
        listener.close()
        raise cannot_listen(host, port, error) from None
    return listener


def worker_listeners(settings: Settings, probe: socket.socket) -> list[socket.socket]:
    """A listener for each worker: the kernel distributes connections among them.

    :param probe: detects another service on the port, whose sockets may be shared too
    :raises StartError: the address cannot be listened on
    """
    try:
        probe.listen()
        probe.close()
        listeners = [bind(settings, shared=True) for _ in range(settings.workers)]
        for listener in listeners:
            listener.listen(BACKLOG)
    except OSError as error:
        raise cannot_listen(settings.host, settings.port, error) from None
    return listeners


def cannot_listen(host: str, port: int, error: OSError) -> StartError:
    # not os.strerror: the numbers of failed name look-ups are not errno values
    reason = error.strerror or str(error)
    return StartError(f"cannot listen on {host}:{port}: {reason}")
