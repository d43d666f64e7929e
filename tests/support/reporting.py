"""What tests report in addition to their outcomes."""

from collections.abc import Iterator

import pytest

#: A property of a test: a text that is shown at the end of the run.
FIGURES = "figures"

#: The marker of tests that need Tarantools that elect their leader.
NEEDS_ELECTION = "needs_election"


def figures(reporter: pytest.TerminalReporter) -> Iterator[str]:
    for reports in reporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                yield from (
                    str(t) for name, t in report.user_properties if name == FIGURES
                )


def skipped_without_election(reporter: pytest.TerminalReporter) -> list[str]:
    """The tests that were skipped because this Tarantool has no election."""
    reports = reporter.stats.get("skipped", [])
    return [report.nodeid for report in reports if NEEDS_ELECTION in report.keywords]
