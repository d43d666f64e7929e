"""Regressions of earlier findings; the fuzzer runs, and finds a planted fault."""

import asyncio
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from service.errors import Problem
from tests.fuzz import controls, targets
from tests.support.machine import ROOT

HERE = Path(__file__).parent
TARGETS: dict[str, targets.Target] = {
    "body": targets.body,
    "lines": targets.lines,
    "token": targets.token,
}

#: Generated inputs for each target, in addition to the corpus.
RUNS = 20_000

#: Seconds; RUNS take a few.
RUN_TIMEOUT = 120

#: Inputs within which a fault of every value with a space is found from nothing.
RUNS_TO_A_FAULT = 5_000_000

#: libFuzzer's, when an input made the target raise.
FAULT_FOUND = 77
#: Its wheels are for the processors and systems that most servers have.
needs_atheris = pytest.mark.skipif(
    find_spec("atheris") is None, reason="there is no atheris for this machine"
)


def corpus(name: str) -> list[Path]:
    return sorted((HERE / "corpus" / name).iterdir())


@pytest.mark.parametrize("name", TARGETS)
def test_every_kept_input_gets_the_expected_answer(name: str) -> None:
    for kept in corpus(name):
        TARGETS[name](kept.read_bytes())


def test_every_parser_accepts_some_kept_input() -> None:
    """Otherwise nothing would be said of what it returns."""
    inputs = [kept.read_bytes() for kept in corpus("body")]
    accepted = {data[:1] for data in inputs if accepts(data)}
    assert accepted == set(targets.PARSERS)


def accepts(data: bytes) -> bool:
    try:
        targets.PARSERS[data[:1]](data[1:])
    except (KeyError, Problem):
        return False
    return True


@needs_atheris
@pytest.mark.parametrize("name", TARGETS)
async def test_the_fuzzer_finds_no_fault(name: str, tmp_path: Path) -> None:
    code, output = await fuzzer(name, name, RUNS, tmp_path, HERE / "corpus" / name)
    assert code == 0, output
    assert f"Done {RUNS} runs" in output


@needs_atheris
@pytest.mark.parametrize(
    ("name", "noticed"),
    [
        ("body", "assert text.encode() == body.removeprefix"),
        ("lines", "assert (given, str(refused)) =="),
    ],
)
async def test_the_fuzzer_finds_a_fault_from_nothing(
    name: str, noticed: str, tmp_path: Path
) -> None:
    """The control of the runs above."""
    code, output = await fuzzer(f"faulty-{name}", name, RUNS_TO_A_FAULT, tmp_path)
    assert code == FAULT_FOUND, output
    assert noticed in output


def test_some_kept_files_are_accepted_as_exports_and_as_bare_lines() -> None:
    inputs = [kept.read_bytes()[1:] for kept in corpus("lines")]
    accepted = [data for data in inputs if targets.is_import(data)]
    assert any(b"kv_export" in data for data in accepted)
    assert any(b"deleted" in data and b"kv_export" not in data for data in accepted)


def test_an_accepted_token_with_a_foreign_signature_is_noticed() -> None:
    """The control of the replay."""
    kept = HERE / "corpus" / "token" / "stranger"
    with pytest.raises(AssertionError):
        controls.token(kept.read_bytes())


async def fuzzer(
    target: str, dictionary: str, runs: int, found: Path, *corpora: Path
) -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.fuzz", target),
        f"-runs={runs}",
        "-seed=1",
        f"-dict={HERE / 'dictionaries' / dictionary}.dict",
        f"-artifact_prefix={found}/fault-",
        *map(str, (found, *corpora)),
        cwd=ROOT,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(RUN_TIMEOUT):
        output, _ = await process.communicate()
    return process.returncode, output.decode(errors="replace")
