"""`python -m service.hash_password`, with which an operator makes a hash."""

import re
import subprocess

import pytest

from tests.support.console import ENVIRON, HASH_PASSWORD, PROGRAM_TIMEOUT, hash_of
from tests.support.machine import ROOT
from tests.support.terminal import terminal


@pytest.mark.parametrize(
    ("given", "environ", "why"),
    [
        (b"", {}, "the password is empty"),
        (b"\r\n", {}, "the password is empty"),
        (b"\xff", {}, "the password is not UTF-8"),
        (b"x" * 1025, {}, "the password is 1025 bytes long, the limit is 1024"),
        (b"x", {"KV_BCRYPT_ROUNDS": "99"}, "KV_BCRYPT_ROUNDS: "),
    ],
)
def test_no_hash_is_made_of_what_the_service_would_not_take(
    given: bytes, environ: dict[str, str], why: str
) -> None:
    run = subprocess.run(
        HASH_PASSWORD,
        cwd=ROOT,
        env=ENVIRON | environ,
        input=given,
        capture_output=True,
        timeout=PROGRAM_TIMEOUT,
    )
    assert run.returncode == 1
    assert run.stdout == b""
    sentence = run.stderr.decode()
    assert sentence.startswith(f"kv: cannot hash the password: {why}")
    assert sentence.count("\n") == 1


def test_the_hash_has_the_cost_that_is_set() -> None:
    assert hash_of("password").startswith("$2b$04$")


def test_variables_of_a_kubernetes_service_do_not_matter() -> None:
    links = {"KV_PORT": "tcp://10.96.0.12:5000", "KV_SERVICE_HOST": "10.96.0.12"}
    run = subprocess.run(
        HASH_PASSWORD,
        cwd=ROOT,
        env=ENVIRON | links,
        input=b"password",
        capture_output=True,
        timeout=PROGRAM_TIMEOUT,
    )
    assert (run.returncode, run.stderr) == (0, b"")
    assert run.stdout.startswith(b"$2b$04$")


def test_a_password_that_is_typed_is_not_shown() -> None:
    with terminal(HASH_PASSWORD, ROOT, ENVIRON) as shown:
        shown.read_until("Password: ", PROGRAM_TIMEOUT)
        shown.type("correct horse")
        shown.read_until("Repeat: ", PROGRAM_TIMEOUT)
        shown.type("correct horse")
        shown.read_to_the_end()
        assert shown.process.wait(PROGRAM_TIMEOUT) == 0
    assert re.fullmatch(
        r"Password: \nRepeat: \n\$2b\$04\$[./A-Za-z0-9]{53}\n", shown.text
    )


def test_a_password_mistyped_makes_no_hash() -> None:
    with terminal(HASH_PASSWORD, ROOT, ENVIRON) as shown:
        shown.read_until("Password: ", PROGRAM_TIMEOUT)
        shown.type("correct horse")
        shown.read_until("Repeat: ", PROGRAM_TIMEOUT)
        shown.type("correct house")
        shown.read_to_the_end()
        assert shown.process.wait(PROGRAM_TIMEOUT) == 1
    assert shown.text.endswith("\nkv: cannot hash the password: the passwords differ\n")
