"""The instructions of calls, compared with the stored ones of the last release.

Another Python executes another number of instructions for the same code. So those of
the same Python and libraries are compared as they are; otherwise their ratios to the
bare handler are compared, in which most of that difference cancels out.
"""

import importlib.metadata
import platform
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from benchmarks.measure.cases import Call
from benchmarks.report.conditions import LIBRARIES
from benchmarks.report.table import markdown_table
from service import __version__
from tests.support.machine import ROOT

STORED = ROOT / "benchmarks" / "instructions.json"

#: The command that shows the figures, and the one that stores them.
SHOW, SAVE = "make bench-instructions", "make bench-instructions ARGS=--save"

#: How much more than stored is allowed, as a share. Counts of the same code differ by
#: 1 % at most; ratios to the bare handler differ by up to 7 % between builds of Python.
TOLERANCE, TOLERANCE_OF_RATIO = 0.05, 0.10

TITLES = ["call", "keys a call", "service", "bare", "of bare", "stored", "difference"]


class Count(msgspec.Struct, frozen=True):
    """Instructions per call.

    :ivar bare: of the bare handler, with the same bytes
    """

    service: int
    bare: int

    @property
    def of_bare(self) -> float:
        return self.service / self.bare


Counts = Mapping[Call, Count]


class Environment(msgspec.Struct, frozen=True):
    """What determines the instructions of the same code.

    :ivar python: the build: others of the same version differ by a tenth
    """

    python: str
    machine: str
    libraries: dict[str, str]

    @classmethod
    def current(cls) -> "Environment":
        versions = {name: importlib.metadata.version(name) for name in LIBRARIES}
        return cls(sys.version, platform.machine(), versions)


class Release(msgspec.Struct, frozen=True):
    """The stored counts of a release, or of its development so far.

    :ivar commit: that was counted
    :ivar counts: by call, as `str` has it
    """

    version: str
    commit: str
    environment: Environment
    counts: dict[str, Count]

    @classmethod
    def current(cls, counts: Counts) -> "Release":
        return cls(
            __version__,
            _commit(),
            Environment.current(),
            {str(call): count for call, count in counts.items()},
        )

    def is_comparable(self) -> bool:
        """Whether instructions, and not only ratios, can be compared."""
        return self.environment == Environment.current()

    def difference(self, call: Call, count: Count) -> float:
        """As a share of the stored count, or ratio to the bare handler."""
        stored = self.counts[str(call)]
        if self.is_comparable():
            return count.service / stored.service - 1
        return count.of_bare / stored.of_bare - 1


def load(path: Path) -> list[Release]:
    """The releases, the last one at the end."""
    return msgspec.json.decode(path.read_bytes(), type=list[Release])


def save(path: Path, release: Release) -> None:
    """Adds the release, in place of an earlier count of it."""
    others = load(path) if path.exists() else []
    kept = [each for each in others if each.version != release.version]
    content = msgspec.json.encode([*kept, release])
    path.write_bytes(msgspec.json.format(content, indent=2) + b"\n")


def report(counts: Counts, last: Release) -> Iterator[str]:
    """The table of the counts, and what they are compared with."""
    what = "instructions" if last.is_comparable() else "ratios to bare"
    yield f"Instructions per call; difference of {what} to {last.version}, which was"
    yield f"counted at {last.commit} with {_text(last.environment)}."
    if not last.is_comparable():
        yield f"This is {_text(Environment.current())}."
    yield ""
    yield from markdown_table(TITLES, _rows(counts, last))


def _rows(counts: Counts, last: Release) -> Iterator[list[str]]:
    for call, count in counts.items():
        yield [
            *(call.kind, f"{call.batch:,}"),
            *(f"{count.service:,}", f"{count.bare:,}", f"{count.of_bare:.3f}"),
            _stored(last, call),
            f"{last.difference(call, count):+.1%}",
        ]


def _stored(last: Release, call: Call) -> str:
    stored = last.counts[str(call)]
    return f"{stored.service:,}" if last.is_comparable() else f"{stored.of_bare:.3f}"


def excesses(counts: Counts, last: Release) -> Iterator[str]:
    """A sentence for each call that takes more than stored and tolerated."""
    if last.is_comparable():
        figure, tolerance = "instructions", TOLERANCE
    else:
        figure, tolerance = "instructions relative to bare", TOLERANCE_OF_RATIO
    for call, count in counts.items():
        difference = last.difference(call, count)
        if difference > tolerance:
            yield (
                f"a {call.kind} of {_keys(call)} takes {difference:.1%} more "
                f"{figure} than in {last.version}, and at most {tolerance:.0%} are "
                f"allowed: see `{SHOW}`; `{SAVE}` stores the new figures"
            )


def _keys(call: Call) -> str:
    return "1 key" if call.batch == 1 else f"{call.batch:,} keys"


def _text(environment: Environment) -> str:
    libraries = ", ".join(
        f"{name} {version}" for name, version in environment.libraries.items()
    )
    return f"Python {environment.python} on {environment.machine}, {libraries}"


def _commit() -> str:
    """The commit of this tree; empty outside a repository."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.stdout.strip()
