"""What tests report in addition to their outcomes."""

from collections.abc import Iterator

import pytest

#: A property of a test: a text that is shown at the end of the run.
FIGURES = "figures"


def figures(reporter: pytest.TerminalReporter) -> Iterator[str]:
    for reports in reporter.stats.values():
        for report in reports:
            if getattr(report, "when", None) == "call":
                yield from (
                    str(t) for name, t in report.user_properties if name == FIGURES
                )
