"""The profile `monitoring` of the compose files."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.compose import compose_program
from tests.support.machine import ROOT
from tests.support.monitoring import FOLDER, alerts
from tests.support.prometheus import executable
from tests.support.service import PROCESS_TIMEOUT

PROFILE = {"prometheus", "grafana"}

#: The services that are scraped, by the compose file.
SERVICES = {
    "docker-compose.yml": ["service:5001"],
    "docker-compose.cluster.yml": ["service-1:5001", "service-2:5001"],
}


def configuration(name: str, *options: str) -> Any:
    """The configuration that Docker Compose makes of a file."""
    run = subprocess.run(
        [compose_program(), "-f", ROOT / name, *options, "config", "--format", "json"],
        capture_output=True,
        text=True,
        check=True,
        timeout=PROCESS_TIMEOUT,
    )
    return json.loads(run.stdout)["services"]


def mounts(container: Any) -> dict[str, str]:
    """The files of the checkout in a container, by their paths in it."""
    return {
        volume["target"]: volume["source"]
        for volume in container["volumes"]
        if volume["type"] == "bind"
    }


@pytest.mark.parametrize("name", SERVICES)
def test_without_the_profile_nothing_of_it_runs(name: str) -> None:
    assert not configuration(name).keys() & PROFILE


@pytest.mark.parametrize("name", SERVICES)
def test_the_profile_is_only_on_this_machine_and_hardened(name: str) -> None:
    services = configuration(name, "--profile", "monitoring")
    for container in (services[each] for each in PROFILE):
        (port,) = container["ports"]
        assert port["host_ip"] == "127.0.0.1"
        assert container["cap_drop"] == ["ALL"]
        assert container["read_only"] is True
        assert container["security_opt"] == ["no-new-privileges:true"]
        assert not container["image"].endswith(":latest")
        assert ":" in container["image"]
        for source in mounts(container).values():
            assert Path(source).exists(), source


@pytest.mark.parametrize("name", SERVICES)
def test_prometheus_scrapes_every_service_with_its_configuration(
    name: str, tmp_path: Path
) -> None:
    services = configuration(name, "--profile", "monitoring")
    files = mounts(services["prometheus"])
    (targets,) = yaml.safe_load(Path(files["/etc/prometheus/targets.yml"]).read_text())
    assert targets["targets"] == SERVICES[name]
    for address in targets["targets"]:
        service, _, port = address.partition(":")
        assert services[service]["environment"]["KV_METRICS_PORT"] == port
        assert services[service]["environment"]["KV_METRICS_HOST"] == "0.0.0.0"
    # promtool looks for the files that it names
    text = (FOLDER / "prometheus.yml").read_text()
    for target, source in files.items():
        text = text.replace(target, source)
    (tmp_path / "prometheus.yml").write_text(text)
    run = subprocess.run(
        [executable("promtool"), "check", "config", tmp_path / "prometheus.yml"],
        capture_output=True,
        text=True,
        timeout=PROCESS_TIMEOUT,
    )
    assert run.returncode == 0, run.stderr
    assert f"{len(alerts())} rules found" in run.stdout
