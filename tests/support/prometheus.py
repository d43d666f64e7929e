"""A real Prometheus and its tool."""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.support.child_program import ChildProgram
from tests.support.machine import free_port
from tests.support.service import PROCESS_TIMEOUT

#: How often it scrapes. The longest scrape takes two seconds.
CONFIGURATION = """
global:
  scrape_interval: 1s
scrape_configs:
  - job_name: kv
    authorization: {{credentials: "{token}"}}
    static_configs: [{{targets: ["127.0.0.1:{port}"]}}]
"""


def executable(name: str) -> str:
    """A program of Debian's package `prometheus`."""
    found = shutil.which(name)
    if found is None and not os.environ.get("CI"):
        pytest.skip(f"no {name}")
    assert found is not None, f"no {name}"
    return found


def check_metrics(text: str) -> str:
    """The complaints of `promtool check metrics`."""
    command = [executable("promtool"), "check", "metrics"]
    checked = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=PROCESS_TIMEOUT
    )
    return checked.stdout + checked.stderr


class Prometheus:
    """An instance that scrapes."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}"

    async def query(self, expression: str) -> list[tuple[dict[str, str], float]]:
        """The labels and the values of the vector that the expression has now."""
        found = await self._get("query", query=expression)
        return [(each["metric"], float(each["value"][1])) for each in found["result"]]

    async def targets(self) -> list[dict[str, Any]]:
        """The scraped targets, with the health of each and its last error."""
        targets: list[dict[str, Any]] = (await self._get("targets"))["activeTargets"]
        return targets

    async def alerts(self) -> list[dict[str, Any]]:
        """The alerts that are pending or firing."""
        alerts: list[dict[str, Any]] = (await self._get("alerts"))["alerts"]
        return alerts

    async def _get(self, path: str, **parameters: str) -> dict[str, Any]:
        url = f"{self._url}/api/v1/{path}"
        async with (
            aiohttp.ClientSession() as session,
            session.get(url, params=parameters) as response,
        ):
            reply = await response.json()
            assert response.status == 200, reply
            data: dict[str, Any] = reply["data"]
            return data


@contextlib.contextmanager
def prometheus(
    folder: Path, target: int, token: str = "", configuration: str = CONFIGURATION
) -> Iterator[Prometheus]:
    """Runs Prometheus, which scrapes the port `target` of this machine."""
    port = free_port()
    folder.mkdir()
    file = folder / "prometheus.yml"
    file.write_text(configuration.format(port=target, token=token))
    program = ChildProgram("Prometheus", folder / "prometheus.log")
    try:
        program.start(
            [
                executable("prometheus"),
                f"--config.file={file}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address=127.0.0.1:{port}",
            ],
            None,
            is_ready=lambda log: "Server is ready to receive web requests" in log,
            timeout=PROCESS_TIMEOUT,
        )
        yield Prometheus(port)
    finally:
        program.send(signal.SIGKILL)
        program.wait()
