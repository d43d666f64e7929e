"""docker-compose.cluster.yml, and the configurations of its containers."""

import contextlib
import re
import subprocess
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import yaml

from service.process.local_cluster import NAMES, config_path
from service.process.secret_files import JWT_SECRET, OF_TARANTOOL, TARANTOOL_PASSWORD
from service.settings import Settings
from service.sizes import MIB
from tests.support.compose import compose_program
from tests.support.machine import ROOT, free_port
from tests.support.nginx import command, started

COMPOSE = ROOT / "docker-compose.cluster.yml"
INSTANCES = config_path().with_name("instances.yaml")
NGINX = ROOT / "docker" / "nginx" / "nginx.conf"

SERVICES = ("service-1", "service-2")

#: Settings of the image, for TLS without a proxy, of an embedded Tarantool, and the
#: file of the log, which compose reads from stderr.
ELSEWHERE = {
    "KV_CHANGES_BYTES",
    "KV_DATA_DIR",
    "KV_DEFAULT_GRANTS",
    "KV_DISK_RESERVE",
    "KV_HOST",
    "KV_LOG_FILE",
    "KV_MEMTX_MEMORY",
    "KV_PORT",
    "KV_TARANTOOL_USER",
    "KV_TLS_CERT",
    "KV_TLS_KEY",
    "KV_WAL_MODE",
}

#: Variables of OpenTelemetry; docs/monitoring.md has them.
OF_TRACES = {
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_SERVICE_NAME",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
}


def parsed(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


def service(name: str) -> Any:
    return parsed(COMPOSE)["services"][name]


def test_compose_accepts_the_file() -> None:
    program = compose_program()
    subprocess.run([program, "-f", COMPOSE, "config", "--quiet"], check=True)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_takes_every_setting_from_the_environment(name: str) -> None:
    environment = service(name)["environment"]
    settings = {*Settings.__struct_encode_fields__, *OF_TRACES} - ELSEWHERE
    files = {n for n in environment if n.removesuffix("_FILE") in settings} - settings
    assert environment.keys() == settings | files
    given = {n for n, value in environment.items() if value != f"${{{n}:-}}"}
    metrics = {"KV_METRICS_HOST", "KV_METRICS_PORT"}
    assert given == {"KV_TARANTOOL_URI", "KV_TRUSTED_PROXIES"} | metrics | files


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_knows_all_nodes(name: str) -> None:
    uris = service(name)["environment"]["KV_TARANTOOL_URI"]
    assert uris.split(",") == [f"{node}:3301" for node in NAMES]
    assert service(name)["depends_on"].keys() == {*NAMES}


def test_each_node_has_its_name_and_a_volume_of_its_own() -> None:
    data = set()
    for name in NAMES:
        node = service(name)
        assert node["command"] == ["tarantool", "-n", name, "-c", "config.yaml"]
        secrets, volume = node["volumes"]
        assert secrets == f"secrets:{node['working_dir']}/secrets:ro"
        assert volume.endswith(f":{node['working_dir']}/var")
        data.add(volume.partition(":")[0])
    others = {"secrets", "prometheus", "grafana"}
    assert data | others == parsed(COMPOSE)["volumes"].keys()
    assert len(data) == len(NAMES)


def test_the_secrets_that_are_read_are_created() -> None:
    config = config_path().read_text()
    read_by_nodes = {*re.findall(r"secrets/(\w+)", config)}
    assert read_by_nodes == {*OF_TARANTOOL}
    environment = service(SERVICES[0])["environment"]
    read = {v for n, v in environment.items() if n.endswith("_FILE")}
    assert read <= {f"/run/kv/{name}" for name in (JWT_SECRET, *OF_TARANTOOL)}
    given = service("secrets")["environment"]
    assert given.keys() == {f"KV_{n.upper()}" for n in (JWT_SECRET, TARANTOOL_PASSWORD)}


def test_every_container_is_hardened_and_comes_back() -> None:
    for name, container in parsed(COMPOSE)["services"].items():
        assert container["cap_drop"] == ["ALL"]
        assert container["read_only"] is True
        assert container["security_opt"] == ["no-new-privileges:true"]
        assert container["pids_limit"] > 0
        if name != "secrets":
            assert container["restart"] == "unless-stopped"
            assert "stop_grace_period" in container


def test_the_configurations_name_the_same_nodes() -> None:
    groups = parsed(config_path())["groups"]
    instances = groups["kv"]["replicasets"]["kv"]["instances"]
    assert tuple(instances) == NAMES
    assert tuple(parsed(INSTANCES)) == NAMES
    for name, options in instances.items():
        assert options["iproto"]["advertise"]["peer"]["uri"] == f"{name}:3301"


def test_the_nodes_have_the_defaults_of_a_single_instance() -> None:
    config, defaults = parsed(config_path()), Settings()
    role = config["roles_cfg"]["roles.kv"]
    assert role["max_body"] == defaults.max_body
    assert role["changes_bytes"] == defaults.changes_bytes
    assert role["disk_reserve"] == defaults.disk_reserve
    assert config["memtx"]["memory"] == defaults.memtx_memory
    assert config["memtx"]["max_tuple_size"] == 2 * defaults.max_body
    assert config["wal"]["mode"] == defaults.wal_mode
    # all writes of both services, and calls of their connections
    assert config["iproto"]["net_msg_max"] > 2 * defaults.max_in_flight


def test_nginx_passes_the_largest_body_on_to_every_service() -> None:
    text = NGINX.read_text()
    (size,) = re.findall(r"client_max_body_size (\d+)m;", text)
    assert int(size) * MIB == Settings().max_body
    assert tuple(re.findall(r"server ([\w-]+):5000", text)) == SERVICES


def local_configuration(folder: Path, ports: Sequence[int], port: int) -> str:
    """Without what needs the network of compose, and a newer nginx than Debian's."""
    addresses = iter(f"server 127.0.0.1:{at}" for at in ports)
    text = re.sub(
        r"server service-\d:5000 resolve", lambda _: next(addresses), NGINX.read_text()
    )
    text = text.replace("/tmp/", f"{folder}/").replace("/dev/", f"{folder}/")
    return text.replace("listen 8080", f"listen 127.0.0.1:{port}")


def test_nginx_accepts_its_configuration(tmp_path: Path) -> None:
    text = local_configuration(tmp_path, [free_port(), free_port()], free_port())
    (tmp_path / "nginx.conf").write_text(text)
    subprocess.run([*command(tmp_path), "-t"], check=True)


class Recorder(ThreadingHTTPServer):
    """A service that answers every request, or breaks the connection of each."""

    def __init__(self, *, breaks: bool) -> None:
        super().__init__(("127.0.0.1", 0), RecorderHandler)
        self.breaks = breaks
        self.seen: list[tuple[str, str, bytes]] = []


class RecorderHandler(BaseHTTPRequestHandler):
    server: Recorder

    def answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.seen.append((self.command, self.path, body))
        self.close_connection = True
        if not self.server.breaks:
            self.send_response(204)
            self.end_headers()

    do_GET = do_PUT = do_POST = do_DELETE = answer

    def log_message(self, *_: object) -> None:
        pass


@contextlib.contextmanager
def recorder(*, breaks: bool) -> Iterator[Recorder]:
    with Recorder(breaks=breaks) as server, ThreadPoolExecutor(1) as pool:
        pool.submit(server.serve_forever, 0.05)
        try:
            yield server
        finally:
            server.shutdown()


def through_nginx(
    folder: Path,
    ports: Sequence[int],
    request: tuple[str, str],
    *,
    key: str | None = None,
    body: bytes | None = None,
) -> int:
    """The status of this request, which nginx sends to the first port first."""
    port = free_port()
    text = local_configuration(folder, ports, port)
    text = f"daemon off;\nmaster_process off;\n{text}"
    (folder / "nginx.conf").write_text(text)
    headers = {} if key is None else {"Idempotency-Key": key}
    with started(folder, port):
        connection = HTTPConnection("127.0.0.1", port, timeout=10)
        with contextlib.closing(connection):
            if body is None and request[0] in ("PUT", "POST"):
                body = BODY
            connection.request(*request, body=body, headers=headers)
            return connection.getresponse().status


BODY = b"x" * 100_000

#: A key that nginx would change if it took the path apart.
PUT, DELETE = ("PUT", "/api/keys/a%2F%2Fb"), ("DELETE", "/api/keys/a%2F%2Fb")
WRITE, IMPORT = ("POST", "/api/write"), ("POST", "/api/import")

READS = (("GET", "/api/keys/a%2F%2Fb"), ("POST", "/api/read"), ("POST", "/api/list"))


@pytest.mark.parametrize(
    ("request_line", "key"),
    [*((read, None) for read in READS), (PUT, "k"), (DELETE, ":"), (WRITE, "k:1")],
)
def test_the_other_service_gets_what_is_safe_to_repeat(
    tmp_path: Path, request_line: tuple[str, str], key: str | None
) -> None:
    with recorder(breaks=True) as broken, recorder(breaks=False) as other:
        ports = [broken.server_port, other.server_port]
        status = through_nginx(tmp_path, ports, request_line, key=key)
    assert status == 204
    assert other.seen == broken.seen
    assert other.seen[0][:2] == request_line


@pytest.mark.parametrize("request_line", [PUT, DELETE, WRITE])
def test_a_write_that_may_have_been_applied_is_not_repeated(
    tmp_path: Path, request_line: tuple[str, str]
) -> None:
    with recorder(breaks=True) as broken, recorder(breaks=False) as other:
        ports = [broken.server_port, other.server_port]
        status = through_nginx(tmp_path, ports, request_line, key=None)
    assert status == 502
    assert len(broken.seen) == 1
    assert not other.seen


@pytest.mark.parametrize("request_line", [PUT, DELETE, WRITE, *READS])
def test_the_other_service_gets_what_was_not_sent(
    tmp_path: Path, request_line: tuple[str, str]
) -> None:
    with recorder(breaks=False) as other:
        ports = [free_port(), other.server_port]
        status = through_nginx(tmp_path, ports, request_line, key=None)
    assert status == 204
    method, path, body = other.seen[0]
    assert (method, path) == request_line
    assert body == (BODY if method in ("PUT", "POST") else b"")


def test_an_import_is_larger_than_other_bodies(tmp_path: Path) -> None:
    body = b"x" * (Settings().max_body + 1)
    with recorder(breaks=False) as first, recorder(breaks=False) as second:
        ports = [first.server_port, second.server_port]
        assert through_nginx(tmp_path, ports, IMPORT, body=body) == 204
        assert [*first.seen, *second.seen] == [(*IMPORT, body)]
        assert through_nginx(tmp_path, ports, WRITE, body=body) == 413


def test_an_import_is_begun_at_the_other_service_and_not_repeated(
    tmp_path: Path,
) -> None:
    with recorder(breaks=True) as broken, recorder(breaks=False) as other:
        ports = [broken.server_port, other.server_port]
        assert through_nginx(tmp_path, ports, IMPORT, key="k") == 502
        assert (len(broken.seen), len(other.seen)) == (1, 0)
        ports = [free_port(), other.server_port]
        assert through_nginx(tmp_path, ports, IMPORT) == 204
        assert other.seen == [(*IMPORT, BODY)]


def test_without_any_service_a_request_is_refused(tmp_path: Path) -> None:
    ports = [free_port(), free_port()]
    assert through_nginx(tmp_path, ports, PUT, key="k") == 502
