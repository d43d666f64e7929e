"""A real nginx in front of the service."""

import contextlib
import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.machine import free_port, wait_until
from tests.support.service import PROCESS_TIMEOUT

#: Of Debian, where it is outside the PATH of everybody but root.
PATHS = os.pathsep.join([os.environ["PATH"], "/usr/sbin"])

#: One process of the current user, with all files in its folder.
CONFIGURATION = """
daemon off;
master_process off;
pid nginx.pid;
error_log error.log;
events {{}}
http {{
    access_log off;
    client_body_temp_path body;
    proxy_temp_path proxy;
    fastcgi_temp_path fastcgi;
    uwsgi_temp_path uwsgi;
    scgi_temp_path scgi;
    server {{
        listen 127.0.0.1:{port};
        location {path} {{ proxy_pass {upstream}; {more} }}
    }}
}}
"""


def executable() -> str:
    found = shutil.which("nginx", path=PATHS)
    if found is None and not os.environ.get("CI"):
        pytest.skip("no nginx")
    assert found is not None, "no nginx"
    return found


@contextlib.contextmanager
def nginx(
    folder: Path, upstream: str, more: str = "", path: str = "/"
) -> Iterator[str]:
    """Runs nginx in front of the upstream, with these directives; yields its URL.

    :param path: below it is the service, and nothing is elsewhere
    """
    port = free_port()
    folder.mkdir()
    configuration = folder / "nginx.conf"
    configuration.write_text(
        CONFIGURATION.format(
            port=port,
            # a URL with a path is put in the place of the location's
            upstream=upstream if path == "/" else f"{upstream}/",
            more=more,
            path=path,
        )
    )
    with started(folder, port):
        yield f"http://127.0.0.1:{port}{path.rstrip('/')}"


def command(folder: Path) -> list[str]:
    """nginx with the configuration of the folder; its messages go to `start.log`."""
    log = folder / "start.log"
    return [executable(), "-p", f"{folder}/", "-c", "nginx.conf", "-e", f"{log}"]


@contextlib.contextmanager
def started(folder: Path, port: int) -> Iterator[None]:
    process = subprocess.Popen(command(folder), stdin=subprocess.DEVNULL)

    def listens() -> bool:
        assert process.poll() is None, (folder / "start.log").read_text()
        with contextlib.suppress(ConnectionError):
            socket.create_connection(("127.0.0.1", port)).close()
            return True
        return False

    try:
        wait_until(listens, PROCESS_TIMEOUT)
        yield
    finally:
        process.terminate()
        process.wait(PROCESS_TIMEOUT)
