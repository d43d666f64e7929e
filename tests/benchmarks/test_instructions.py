"""The guard of the speed: instructions per call, compared with stored ones."""

from argparse import ArgumentParser
from pathlib import Path

import msgspec
import pytest

from benchmarks.measure.cases import Call
from benchmarks.report.instructions import (
    STORED,
    TOLERANCE,
    TOLERANCE_OF_RATIO,
    Count,
    Release,
    excesses,
    load,
    report,
    save,
)
from benchmarks.scenarios import instructions

#: Bursts that are counted of each call: half as many as are stored.
BURSTS = 10

READ = Call("read", 1)


def run(*arguments: str) -> int:
    parser = ArgumentParser()
    instructions.add_arguments(parser)
    return instructions.run(parser.parse_args(arguments))


def stored(service: int, bare: int) -> Release:
    return Release.current({READ: Count(service, bare)})


def of_another_python(release: Release) -> Release:
    environment = msgspec.structs.replace(release.environment, python="3.10.0")
    return msgspec.structs.replace(release, environment=environment)


def test_no_call_takes_more_instructions_than_stored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    counted = tmp_path / "instructions.json"
    code = run("--check", f"--bursts={BURSTS}", f"--save={counted}")
    output = capsys.readouterr()
    assert code == 0, f"{output.err}\n{output.out}"
    assert "\n| write | 100 | " in output.out
    (release,) = load(counted)
    assert release.is_comparable()
    assert all(count.of_bare > 1 for count in release.counts.values())


def test_work_that_is_added_to_each_request_is_found() -> None:
    """The control: a service that also logs each request."""
    counts = instructions.count(BURSTS, [("read", 1)], {"KV_ACCESS_LOG": "all"})
    (excess,) = excesses(counts, load(STORED)[-1])
    assert excess.startswith("a read of 1 key takes ")
    assert "see `make bench-instructions`" in excess


def test_instructions_of_the_same_python_are_compared() -> None:
    release = stored(1000, 500)
    allowed = round(1000 * (1 + TOLERANCE))
    assert [*excesses({READ: Count(allowed - 1, 1)}, release)] == []
    assert len([*excesses({READ: Count(allowed + 1, 9999)}, release)]) == 1
    assert "| 1,000 | +5.1% |" in "\n".join(report({READ: Count(1051, 1)}, release))


def test_ratios_to_bare_are_compared_with_another_python() -> None:
    release = of_another_python(stored(1000, 500))
    allowed = round(2000 * (1 + TOLERANCE_OF_RATIO))
    assert [*excesses({READ: Count(allowed - 1, 1000)}, release)] == []
    (excess,) = excesses({READ: Count(allowed + 1, 1000)}, release)
    assert "relative to bare" in excess
    output = "\n".join(report({READ: Count(2500, 1000)}, release))
    assert "| 2.000 | +25.0% |" in output
    assert "Python 3.10.0 on " in output


def test_each_release_is_stored_once_and_the_current_one_is_the_last(
    tmp_path: Path,
) -> None:
    path = tmp_path / "instructions.json"
    older = msgspec.structs.replace(stored(1, 1), version="0.0.1")
    for release in (older, stored(2, 2), stored(3, 3)):
        save(path, release)
    assert load(path) == [older, stored(3, 3)]
