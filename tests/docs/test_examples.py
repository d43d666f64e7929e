"""Every shell example of every page is run, and its reply compared."""

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
import threading
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Self
from urllib.error import URLError

import pytest

from tests.docs.containers import (
    assert_hardened,
    assert_no_secrets,
    containers,
    service_of,
)
from tests.docs.pages import (
    OPERATIONS,
    README,
    TRANSLATIONS,
    Example,
    blocks,
    examples,
)
from tests.support.client import unique
from tests.support.console_urls import assert_console_is_served
from tests.support.machine import ROOT, wait_until
from tests.support.tarantool import docker_engine
from tests.support.terminal import terminal

URL = "http://127.0.0.1:5000"

#: Seconds: a virtual environment and its packages, or two images, are made first.
SET_UP = 300.0

#: Seconds, for all examples of a page.
PAGE_TIMEOUT = 60.0

#: How the examples begin that call the service.
CALLS = ("curl", "TOKEN=", "CREATED=", "until")

#: Those for its operator, where it runs with its own Tarantool.
COMMANDS = ("echo", "make backup TO", "make verify FROM", "make restore FROM")

#: Those for its operator with Docker Compose.
COMPOSE_COMMANDS = ("make backup-compose", "make restore-compose")

#: Those that start or stop a service.
STARTS = ("make run", "docker compose")

#: Those that take minutes, or are the tests themselves.
NOT_RUN = ("make test", "make torture", "make malformed", "make fuzz")

#: The administrator that some pages share.
ADMIN = {"ADMIN_LOGIN": "admin", "ADMIN_PASSWORD": "first of all"}

#: Pages share a service, each with accounts and keys of its own. The operations page
#: shows counts of a whole store, and has a new one.
SHARED = [page for page in TRANSLATIONS if page != OPERATIONS]

#: How a page shows a revision: 4101 is the first one after the revision that the store
#: had at the heading below which a number 41xx first appears. So an example that is
#: inserted elsewhere, or run before, shifts nothing.
SHOWN_REVISION = re.compile(r"\b(4[1-9])(\d\d)\b")

#: The id of a request in a problem, another one each time.
REQUEST_ID = re.compile(r"urn:request:[0-9a-f]+-[0-9]+")

#: The time of a change in a history, and of an export.
TIME = re.compile(r'"(at|made_at)":[0-9.]+')

#: The hash of an export, whose lines contain revisions and its time.
HASH = re.compile(r'"sha256":"[0-9a-f]{64}"')

#: Parts of a console session that differ each time.
PASSING = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ|\d+\.\d+\.\d+-[\w-]+"
    r"|\b\d+ (?:s|min|h|d)\b|\b[\d.]+ (?:B|KiB|MiB|GiB)\b"
)

#: Seconds until the console answers.
CONSOLE_TIMEOUT = 10.0

END_OF_EXAMPLE = "--- end of example ---"


class Shell:
    """A bash that runs one example after the other and keeps their variables."""

    def __init__(self, folder: Path, timeout: float) -> None:
        self._folder = folder
        self._timeout = timeout

    def __enter__(self) -> Self:
        # a make inside make reports its folders
        environ = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
        self._errors = (self._folder / "errors.log").open("w+")
        self._process = subprocess.Popen(
            ["bash", "-euo", "pipefail"],
            cwd=self._folder,
            env=environ,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            text=True,
        )
        self._timer = threading.Timer(self._timeout, self._process.kill)
        self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()
        self._process.communicate()
        self._errors.close()

    def run(self, command: str) -> str:
        """:return: its output"""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        script = f"{{\n{command}\n}} </dev/null\necho\necho '{END_OF_EXAMPLE}'\n"
        self._process.stdin.write(script)
        self._process.stdin.flush()
        lines: list[str] = []
        for line in self._process.stdout:
            if line.strip() == END_OF_EXAMPLE:
                return "".join(lines)
            lines.append(line)
        self._errors.seek(0)
        raise AssertionError(f"{command}{''.join(lines)}{self._errors.read()}")


def called(path: str, token: str | None = None, body: Any = None) -> Any:
    request = urllib.request.Request(
        URL + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}"} if token else {},
    )
    return json.load(urllib.request.urlopen(request, timeout=5))


class Revisions:
    """Translates the revisions that a page shows into those of the running store."""

    def __init__(self, current: Callable[[], int]) -> None:
        self._current = current
        self._bases: dict[str, int] = {}

    @classmethod
    def of_service(cls) -> "Revisions":
        """The revisions of the running service, read with a new account."""
        token: str | None = None

        def current() -> int:
            nonlocal token
            if token is None:
                account = {"username": unique("reader"), "password": "password"}
                called("/api/register", body=account)
                token = called("/api/login", body=account)["token"]
            return int(called("/api/changes", token)["revision"])

        return cls(current)

    def begin(self, section: Sequence[Example]) -> None:
        """Call it before the section's examples run."""
        text = "".join(f"{e.command}\n{e.reply}\n" for e in section)
        shown = {hundred for hundred, _ in SHOWN_REVISION.findall(text)}
        for hundred in shown - self._bases.keys():
            self._bases[hundred] = self._current()

    def translated(self, text: str) -> str:
        return SHOWN_REVISION.sub(lambda m: str(self._bases[m[1]] + int(m[2])), text)


def assert_examples_hold(examples: list[Example], folder: Path) -> None:
    revisions = Revisions.of_service()
    with Shell(folder, PAGE_TIMEOUT) as shell:
        begun = None
        for example in examples:
            if example.section != begun:
                begun = example.section
                revisions.begin([e for e in examples if e.section == begun])
            output = shell.run(revisions.translated(example.command))
            if example.reply is not None:
                expected = revisions.translated(example.reply)
                assert without_ids(output) == without_ids(expected), example.command


def without_ids(reply: str) -> str:
    """The reply of an example, with one id for all requests, one time and one hash."""
    with_one_time = TIME.sub(r'"\1":0', HASH.sub('"sha256":""', reply))
    return REQUEST_ID.sub("urn:request:id", with_one_time).strip()


def assert_session_holds(folder: Path) -> None:
    """The console answers each line as the page shows it."""
    prompt = "unix/:./var/console.sock> "
    (shown,) = [b.text for b in blocks(OPERATIONS) if f"\n{prompt}" in b.text]
    command, _, session = shown.removeprefix("$ ").partition("\n")
    typed = [
        line.removeprefix(prompt)
        for line in session.splitlines()
        if line.startswith(prompt)
    ]
    environ = {"PATH": os.environ["PATH"], "HOME": str(folder)}
    with terminal(["bash", "-c", command], folder, environ) as console:
        console.read_until(prompt, CONSOLE_TIMEOUT)
        for line in typed:
            console.type(line)
            console.read_until(prompt, CONSOLE_TIMEOUT)
        answered = console.text.removesuffix(prompt)
    assert PASSING.sub("…", answered).strip() == PASSING.sub("…", session).strip()


def assert_stopped_cleanly(folder: Path) -> None:
    log = (folder / "output.log").read_text()
    assert "service.process.run: stopped" in log
    assert "Traceback" not in log


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
    """The command in the background, with the service ready; ended with Ctrl-C."""
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
    (run,) = examples(README, "make run")
    with started(run.command, checkout, **ADMIN):
        for page in SHARED:
            assert_examples_hold(examples(page, *CALLS), checkout)
    assert_stopped_cleanly(checkout)

    shutil.rmtree(checkout / "var")
    with started(run.command, checkout):
        assert_examples_hold(examples(OPERATIONS, *CALLS), checkout)
        if shutil.which("tarantoolctl"):  # Tarantool 3.x has another program
            assert_session_holds(checkout)
        assert_examples_hold(examples(OPERATIONS, *COMMANDS), checkout)
    assert_stopped_cleanly(checkout)


def test_compose_serves_every_example(
    checkout: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not docker_engine() and not os.environ.get("CI"):
        pytest.skip("no Docker engine")
    monkeypatch.setenv("COMPOSE_PROJECT_NAME", "kv-tests")
    up, down = examples(OPERATIONS, "docker compose")
    backup, restore = (examples(OPERATIONS, name) for name in COMPOSE_COMMANDS)
    remove_all = ["docker", "compose", "down", "--volumes"]
    try:
        with started(up.command, checkout, **ADMIN):
            for page in SHARED:
                assert_examples_hold(examples(page, *CALLS), checkout)
        subprocess.run(remove_all, cwd=checkout, check=True)

        with started(up.command, checkout):
            assert_console_is_served(URL)
            assert_examples_hold(examples(OPERATIONS, *CALLS) + backup, checkout)
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
        assert_examples_hold(restore, checkout)
    finally:
        subprocess.run(remove_all, cwd=checkout, check=True)
        # not --rmi: two services share an image, and their removals race for it
        for service in ("service", "secrets", "tarantool"):
            remove = ["docker", "image", "rm", "--force", f"kv-tests-{service}"]
            subprocess.run(remove, check=True)


def test_the_test_command_is_what_ci_runs() -> None:
    (command,) = examples(README, "make test")
    assert (ROOT / ".ci/run").read_text().rstrip().endswith(command.command.strip())


@pytest.mark.parametrize("page", TRANSLATIONS, ids=str)
def test_every_shell_example_is_of_a_kind_that_is_run(page: Path) -> None:
    kinds = CALLS + COMMANDS + COMPOSE_COMMANDS + STARTS + NOT_RUN
    shell = [block for block in blocks(page) if block.language == "sh"]
    assert len(examples(page, *kinds)) == len(shell)
    if page != OPERATIONS:  # nowhere else are these run
        assert not examples(page, *COMMANDS, *COMPOSE_COMMANDS)


def test_each_page_starts_the_service_in_the_same_way() -> None:
    for name in STARTS:
        of_operations = [example.command for example in examples(OPERATIONS, name)]
        for example in examples(README, name):
            assert example.command in of_operations


def test_each_page_has_accounts_of_its_own() -> None:
    owners: dict[str, Path] = {}
    for page in TRANSLATIONS:
        for example in examples(page, *CALLS):
            for name in re.findall(r'"username": "([^"]*)"', example.command):
                is_shared = name == ADMIN["ADMIN_LOGIN"]
                assert is_shared or owners.setdefault(name, page) == page


def test_a_shown_revision_counts_from_the_heading() -> None:
    """The control: the second section starts three revisions later."""
    store = iter([7, 10])
    revisions = Revisions(lambda: next(store))
    first = [Example("since=4100", None, 1), Example("4102 and 41020", "4101", 1)]
    revisions.begin(first)
    assert revisions.translated("4102 and 41020, 4101") == "9 and 41020, 8"
    revisions.begin([Example("4101", "4201", 2)])
    assert revisions.translated("4101 4201") == "8 11"
