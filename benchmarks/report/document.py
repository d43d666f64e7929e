"""The report of a run in Markdown, and the page of the documentation that has it."""

import re
from collections.abc import Collection
from pathlib import Path

from benchmarks.report.conditions import VERSION_COMMANDS, conditions
from benchmarks.report.results import Results
from benchmarks.report.table import (
    WITH_OTHERS,
    Comparison,
    markdown_table,
    results_table,
)
from benchmarks.report.targets import Verdict, verdicts

COMMAND = "make bench"


def marks(command: str) -> tuple[str, str]:
    """The marks on a page around the text that a run of the command replaces."""
    return f"<!-- {command} -->", f"<!-- end of {command} -->"


BEGIN, END = marks(COMMAND)


def name_for(tarantool: str) -> str:
    """The name of the page, and of its chart, for this major version."""
    major = tarantool.partition(".")[0]
    return "2026-11" if major == "2" else f"2026-11-tarantool-{major}"


class Document:
    """Prints each section at once, and keeps the text.

    :ivar chart: SVG
    """

    def __init__(self, tarantool: str, command: str = COMMAND) -> None:
        """
        :param tarantool: the version of the instances that run
        :param command: that replaces the page's text
        """
        self.tarantool = tarantool
        self._marks = marks(command)
        self.text = ""
        self.verdicts: list[Verdict] = []
        self.chart: str | None = None

    def add(self, title: str, *lines: str) -> None:
        section = "\n".join([f"### {title}", "", *lines, "", ""])
        print(section, end="", flush=True)
        self.text += section

    def add_results(
        self,
        title: str,
        results: Results,
        *remarks: str,
        comparison: Comparison = WITH_OTHERS,
    ) -> None:
        remarks += tuple(
            f"- {subject} has no figure for {case.kind} {case.batch:,}: {reason}"
            for (case, subject), reason in results.gaps.items()
        )
        below = ["", *remarks] if remarks else []
        self.add(title, *results_table(results, comparison), *below)
        self.verdicts += verdicts(results)

    def add_summary(self) -> None:
        """The verdicts on the targets, and the conditions of the run."""
        cells = [verdict.cells() for verdict in self.verdicts]
        self.add("Targets", *markdown_table(["target", "found", ""], cells))
        self.add_conditions()

    def add_conditions(self, programs: Collection[str] = VERSION_COMMANDS) -> None:
        """:param programs: whose versions are conditions, besides Tarantool's"""
        found = conditions(self.tarantool, programs)
        self.add("Conditions", *(f"- {each}" for each in found))

    def save(self, folder: Path, name: str) -> None:
        """Writes the text into the page of this folder, and the chart next to it.

        :param name: of both, without their endings
        """
        page = folder / f"{name}.md"
        begin, end = self._marks
        content = f"{begin}\n\n{self.text.rstrip()}\n\n{end}"
        pattern = f"{re.escape(begin)}.*{re.escape(end)}"
        page.write_text(
            re.sub(pattern, lambda _: content, page.read_text(), flags=re.DOTALL)
        )
        if self.chart is not None:
            (folder / f"{name}.svg").write_text(self.chart)
