"""The README keeps its word: its commands and examples are run as they stand there."""

import contextlib
import itertools
import os
import re
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

import pytest

from service.api.routes import ROUTES
from service.settings import SECRETS, Settings
from tests.docs.containers import (
    assert_hardened,
    assert_no_secrets,
    containers,
    service_of,
)
from tests.support.machine import ROOT, wait_until
from tests.support.tarantool import docker_engine
from tests.support.terminal import terminal

FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)

#: Seconds: a virtual environment and its packages, or two images, are made first.
SET_UP = 300.0

#: How the examples begin that call the service.
CALLS = ("curl", "TOKEN=", "until")

#: Those for its operator, where it runs with a Tarantool of its own.
OPERATIONS = ("echo", "make backup TO", "make verify FROM", "make restore FROM")

#: What a session on the console shows otherwise each time.
PASSING = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d+\.\d+\.\d+-[\w-]+"
    r"|\b\d+ (?:s|min|h|d)\b|\b[\d.]+ (?:B|KiB|MiB|GiB)\b"
)

#: Seconds until the console answers.
SOON = 10.0

END_OF_EXAMPLE = "--- end of example ---"


@dataclass(frozen=True)
class Block:
    language: str
    text: str


@dataclass(frozen=True)
class Example:
    command: str
    reply: str | None


def blocks(name: str) -> list[Block]:
    return [Block(*found) for found in FENCED.findall((ROOT / name).read_text())]


def examples(*programs: str) -> list[Example]:
    """The shell blocks that begin so, each with the reply shown after it."""
    shown = [block for block in blocks("README.md") if block.language != "powershell"]
    found = []
    for block, following in zip(shown, [*shown[1:], Block("", "")], strict=True):
        if block.language == "sh" and block.text.startswith(programs):
            has_reply = following.language in ("json", "text")
            found.append(Example(block.text, following.text if has_reply else None))
    return found


def assert_examples_hold(examples: list[Example], folder: Path) -> None:
    script = "".join(f"{e.command}\necho\necho '{END_OF_EXAMPLE}'\n" for e in examples)
    # a make inside make tells of its folders
    environ = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    run = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=folder,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
    )
    outputs = run.stdout.split(END_OF_EXAMPLE)[:-1]
    assert len(outputs) == len(examples), run.stderr
    for example, output in zip(examples, outputs, strict=True):
        if example.reply is not None:
            assert output.strip() == example.reply.strip(), example.command


def assert_session_holds(folder: Path) -> None:
    """That the console answers what is typed there as the README shows it."""
    prompt = "unix/:./var/console.sock> "
    (shown,) = [b.text for b in blocks("README.md") if f"\n{prompt}" in b.text]
    command, _, session = shown.removeprefix("$ ").partition("\n")
    typed = [
        line.removeprefix(prompt)
        for line in session.splitlines()
        if line.startswith(prompt)
    ]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with terminal(["bash", "-c", command], folder, environ) as console:
        console.read_until(prompt, SOON)
        for line in typed:
            console.type(line)
            console.read_until(prompt, SOON)
        answered = console.text.removesuffix(prompt)
    assert PASSING.sub("…", answered).strip() == PASSING.sub("…", session).strip()


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A clean copy of the project, as a clone has it."""
    listing = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listing, cwd=ROOT, check=True, capture_output=True).stdout
    for name in names.decode().rstrip("\0").split("\0"):
        source = ROOT / name
        if source.exists():
            copy = tmp_path / "kv" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy)
    return tmp_path / "kv"


@contextlib.contextmanager
def started(
    command: str, folder: Path, **environ: str
) -> Iterator[subprocess.Popen[str]]:
    """Runs in the background until the service is ready; ended with Ctrl-C."""
    with (folder / "output.log").open("w+") as output:
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=folder,
            env=os.environ | environ,
            stdout=output,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

        def serves() -> bool:
            output.seek(0)
            assert process.poll() is None, output.read()
            with contextlib.suppress(URLError, ConnectionError):
                url = "http://127.0.0.1:5000/readyz"
                return bool(urllib.request.urlopen(url, timeout=5).status == 200)
            return False

        try:
            wait_until(serves, SET_UP)
            yield process
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGINT)
            process.wait(timeout=60)


def test_make_run_serves_every_example(checkout: Path) -> None:
    (run,) = examples("make run")
    with started(run.command, checkout):
        assert_examples_hold(examples(*CALLS), checkout)
        if shutil.which("tarantoolctl"):  # Tarantool 3.x has another program
            assert_session_holds(checkout)
        assert_examples_hold(examples(*OPERATIONS), checkout)
    log = (checkout / "output.log").read_text()
    assert "service.process.run: stopped" in log
    assert "Traceback" not in log


def test_compose_serves_every_example(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not docker_engine() and not os.environ.get("CI"):
        pytest.skip("no Docker engine")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "kv-tests")
    up, down = examples("docker compose")
    try:
        with started(up.command, checkout):
            assert_examples_hold(examples(*CALLS, "make backup-compose"), checkout)
            found = containers("kv-tests")
            assert {*map(service_of, found)} == {"secrets", "service", "tarantool"}
            for container in found:
                assert_hardened(container)
            assert_no_secrets(found)
        subprocess.run(down.command, shell=True, cwd=checkout, check=True)
        running = ["docker", "ps", "--quiet", "--filter", "name=kv-tests"]
        assert subprocess.run(running, check=True, capture_output=True).stdout == b""
        remove = ["docker", "volume", "rm", "kv-tests_data"]
        subprocess.run(remove, check=True)
        assert_examples_hold(examples("make restore-compose"), checkout)
    finally:
        remove = ["docker", "compose", "down", "--volumes"]
        subprocess.run(remove, cwd=checkout, check=True)
        # not --rmi: two services share an image, and their removals race for it
        for service in ("service", "secrets", "tarantool"):
            remove = ["docker", "image", "rm", "--force", f"kv-tests-{service}"]
            subprocess.run(remove, check=True)


def test_the_test_command_is_what_ci_runs() -> None:
    (command,) = examples("make test")
    assert (ROOT / ".ci/run").read_text().rstrip().endswith(command.command.strip())


def test_both_languages_show_the_same_examples() -> None:
    assert blocks("README.ru.md") == blocks("README.md")


def test_powershell_examples_say_what_the_curl_ones_say() -> None:
    def said(block: Block) -> tuple[list[str], list[str], list[str]]:
        return (
            re.findall(r"http://[\w:./?=&]+", block.text),
            re.findall(r"'([\{\"].*)'", block.text),
            re.findall(r"Bearer", block.text),
        )

    shown = blocks("README.md")
    pairs = [
        (before, block)
        for before, block in itertools.pairwise(shown)
        if block.language == "powershell"
    ]
    for curl, powershell in pairs:
        assert said(curl) == said(powershell)
        if "-Body" in powershell.text:  # else version 5.1 sends Latin-1
            assert "-ContentType 'application/json; charset=utf-8'" in powershell.text
    paths = {url for block, _ in pairs for url in said(block)[0]}
    called = "\n".join(re.sub(r"config/colour", "{key}", path) for path in paths)
    for route in ROUTES:
        if route.path.startswith("/api/"):
            assert re.sub(r"\{.*\}$", "{key}", route.path) in called


@pytest.mark.parametrize("name", ["README.md", "README.ru.md"])
def test_the_settings_table_names_every_variable(name: str) -> None:
    text = (ROOT / name).read_text()
    documented = set(re.findall(r"\b(?:KV|ADMIN)_[A-Z_]+\b", text))
    files = {f"{secret}_FILE" for secret in SECRETS}
    assert documented == {*Settings.__struct_encode_fields__, *files}
