"""Assertions on a compose project: the rights of its containers, and their secrets."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.machine import ROOT

#: Bytes of an image that are searched at a time.
CHUNK = 1024 * 1024

#: Where the project keeps its secrets, in a volume.
SECRETS = "/run/kv"


def output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def containers(project: str) -> list[Any]:
    """The containers of the project, running or ended."""
    label = f"label=com.docker.compose.project={project}"
    ids = output("docker", "ps", "--all", "--quiet", "--filter", label).split()
    found: list[Any] = json.loads(output("docker", "inspect", *ids))
    return found


def service_of(container: Any) -> str:
    return str(container["Config"]["Labels"]["com.docker.compose.service"])


def assert_hardened(container: Any) -> None:
    """Checks the engine's configuration, and the kernel's view of the process."""
    host = container["HostConfig"]
    assert host["CapDrop"] == ["ALL"]
    assert not host["CapAdd"]
    assert not host["Privileged"]
    assert host["ReadonlyRootfs"]
    assert host["SecurityOpt"] == ["no-new-privileges:true"]
    assert host["PidsLimit"] > 0
    assert container["Config"]["User"] not in ("", "0", "root")
    if container["State"]["Running"]:
        status = Path(f"/proc/{container['State']['Pid']}/status").read_text()
        fields = dict(line.split(":\t", 1) for line in status.splitlines())
        assert int(fields["CapBnd"], 16) == 0
        assert int(fields["CapEff"], 16) == 0
        assert fields["NoNewPrivs"] == "1"


def stored_secrets(container: Any) -> list[str]:
    names = ("jwt_secret", "tarantool_password")
    return [
        output("docker", "exec", container["Id"], "cat", f"{SECRETS}/{name}")
        for name in names
    ]


def command_lines(container: Any) -> str:
    return output("docker", "top", container["Id"], "-eo", "pid,args")


def image_metadata(container: Any) -> str:
    """The image's history, environment and labels."""
    image = container["Image"]
    history = output("docker", "history", "--no-trunc", image)
    return history + output("docker", "image", "inspect", image)


def in_files(container: Any, texts: list[str]) -> set[str]:
    """The texts that a file outside of the volumes contains."""
    export = ["docker", "export", container["Id"]]
    with subprocess.Popen(export, stdout=subprocess.PIPE) as process:
        stream = process.stdout
        assert stream is not None
        found = set(_in(iter(lambda: stream.read(CHUNK), b""), texts))
    assert process.returncode == 0
    return found


def _in(chunks: Iterator[bytes], texts: list[str]) -> Iterator[str]:
    longest = max(map(len, texts))
    tail = b""
    for chunk in chunks:
        tail = tail[-longest:] + chunk
        yield from (text for text in texts if text.encode() in tail)


def assert_no_secrets(found: list[Any]) -> None:
    (service,) = (c for c in found if service_of(c) == "service")
    secrets = stored_secrets(service)
    assert all(len(secret) >= 32 for secret in secrets)
    in_image = (ROOT / "service/app.py").read_text().splitlines()[0]
    for container in found:
        shown = image_metadata(container)
        shown += output("docker", "logs", container["Id"])
        if container["State"]["Running"]:
            shown += command_lines(container)
        assert [secret for secret in secrets if secret in shown] == []
        # the line that is in the image is the control: it must be found
        expected = set() if service_of(container) == "tarantool" else {in_image}
        assert in_files(container, [*secrets, in_image]) == expected
