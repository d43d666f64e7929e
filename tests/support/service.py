"""The service as a process of its own."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tests.support.child_program import ChildProgram
from tests.support.client import Client
from tests.support.confidential import leaks_in
from tests.support.machine import ROOT, free_port
from tests.support.tarantool import PASSWORD, Tarantool

#: Seconds for a process of ours to start, or to end, on a busy machine.
PROCESS_TIMEOUT = 30.0

SERVICE = [sys.executable, "-m", "service"]
SERVING = "serving on "

JWT_SECRET = "a signing secret for tests, long enough"


def service_environ(folder: Path, **more: str) -> dict[str, str]:
    """The whole environment of a service; by default of one with its own Tarantool."""
    environ = {
        "PATH": os.environ["PATH"],
        "KV_HOST": "127.0.0.1",
        "KV_PORT": str(free_port()),
        "KV_DATA_DIR": str(folder / "data"),
        "KV_BCRYPT_ROUNDS": "4",
    }
    return environ | more


def environ_before(folder: Path, tarantool: Tarantool) -> dict[str, str]:
    """The environment of a service that uses this instance."""
    return service_environ(
        folder,
        KV_TARANTOOL_URI=f"127.0.0.1:{tarantool.port}",
        KV_TARANTOOL_PASSWORD=PASSWORD,
        KV_JWT_SECRET=JWT_SECRET,
    )


class ServiceProcess:
    """`python -m service`, as an operator runs it."""

    def __init__(
        self,
        folder: Path,
        environ: dict[str, str],
        checkout: Path = ROOT,
        port: int | None = None,
        command: Sequence[str] = SERVICE,
        timeout: float = PROCESS_TIMEOUT,
    ) -> None:
        """
        :param port: where it is going to listen, if not at `KV_PORT`
        :param command: that runs the service
        :param timeout: seconds for its start and for its end
        """
        self._timeout = timeout
        self._command = command
        self.port = int(environ["KV_PORT"]) if port is None else port
        self.url = f"http://{environ['KV_HOST']}:{self.port}"
        self.data = checkout / environ["KV_DATA_DIR"]
        self._checkout = checkout
        self._environ = environ
        self._stdout = folder / "service.stdout"
        self._child = ChildProgram(
            "the service", folder / "service.stderr", self._stdout
        )

    @property
    def pid(self) -> int:
        return self._child.pid

    def start(self) -> None:
        """Returns when it serves; raises when it does not get there."""
        begin = len(self.log_file())
        self._child.start(
            self._command,
            self._environ,
            is_ready=lambda log: SERVING in log + self.log_file()[begin:],
            timeout=self._timeout,
            cwd=self._checkout,
        )

    def send(self, number: signal.Signals) -> None:
        self._child.send(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int | None:
        """Returns its exit code; None for one that was never started."""
        self.send(number)
        return self.exit_code()

    def exit_code(self) -> int | None:
        """Waits for its end."""
        return self._child.wait(self._timeout)

    def stdout(self) -> str:
        return self._stdout.read_text() if self._stdout.exists() else ""

    def stderr(self) -> str:
        return self._child.log()

    def log_file(self) -> str:
        """The content of `KV_LOG_FILE`, or nothing."""
        path = self._environ.get("KV_LOG_FILE")
        return Path(path).read_text() if path and Path(path).is_file() else ""


def refusal(environ: dict[str, str]) -> str:
    """Why: the last line on stderr, after the log if there is one yet.

    Of the log, only lines of Tarantool may be more than information.
    """
    process = subprocess.run(
        SERVICE,
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
    )
    assert process.returncode == 1
    assert process.stdout == ""
    *log, line = process.stderr.splitlines()
    own = [entry for entry in log if " tarantool: " not in entry]
    assert [entry for entry in own if " INFO " not in entry] == []
    for name in ("KV_TARANTOOL_PASSWORD", "KV_JWT_SECRET", "ADMIN_PASSWORD"):
        assert environ.get(name, "no secret") not in process.stderr
    assert line.startswith("kv: cannot start: ")
    return line.removeprefix("kv: cannot start: ")


@contextlib.contextmanager
def started(
    service: ServiceProcess, *, is_leaking: bool = False
) -> Iterator[ServiceProcess]:
    """The service, whose log is searched for confidential strings in the end.

    :param is_leaking: whether the test itself logs one
    """
    try:
        service.start()
        yield service
    finally:
        service.stop(signal.SIGKILL)
    if not is_leaking:
        assert leaks_in(service.stderr() + service.log_file()) == []


@contextlib.contextmanager
def service_process(folder: Path, **environ: str) -> Iterator[ServiceProcess]:
    with started(ServiceProcess(folder, service_environ(folder, **environ))) as service:
        yield service


def environ_for(tarantool: Tarantool, **more: str) -> dict[str, str]:
    return {
        "KV_HOST": "127.0.0.1",
        "KV_PORT": str(free_port()),
        "KV_TARANTOOL_URI": f"127.0.0.1:{tarantool.port}",
        "KV_TARANTOOL_PASSWORD": PASSWORD,
        "KV_JWT_SECRET": JWT_SECRET,
        "KV_BCRYPT_ROUNDS": "4",
        **more,
    }


Serve = Callable[..., contextlib.AbstractAsyncContextManager[Client]]


def refuses_connections(process: ServiceProcess) -> bool:
    with socket.socket() as connection:
        return connection.connect_ex(("127.0.0.1", process.port)) != 0


def service_links(name: str, *ports: tuple[int, str]) -> dict[str, str]:
    """The variables that Kubernetes sets for a Service; the first port has a name."""
    prefix = name.upper().replace("-", "_")
    address, (first, scheme) = "10.96.0.12", ports[0]
    links = {
        f"{prefix}_SERVICE_HOST": address,
        f"{prefix}_SERVICE_PORT": str(first),
        f"{prefix}_SERVICE_PORT_HTTP_API": str(first),
        f"{prefix}_PORT": f"{scheme}://{address}:{first}",
    }
    for port, scheme in ports:
        one = f"{prefix}_PORT_{port}_{scheme.upper()}"
        links |= {
            one: f"{scheme}://{address}:{port}",
            f"{one}_PROTO": scheme,
            f"{one}_PORT": str(port),
            f"{one}_ADDR": address,
        }
    return links
