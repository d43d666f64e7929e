"""The report of a run in Markdown, and the page of the documentation that has it."""

import re
from pathlib import Path

from benchmarks.report.conditions import conditions
from benchmarks.report.results import Results
from benchmarks.report.table import markdown_table, results_table
from benchmarks.report.targets import Verdict, verdicts

CHART, PAGE = "2026-11.svg", "2026-11.md"

#: The marks on the page around the text that a run replaces.
BEGIN, END = "<!-- make bench -->", "<!-- end of make bench -->"


class Document:
    """Prints each section at once, and keeps the text.

    :ivar chart: SVG
    """

    def __init__(self) -> None:
        self.text = ""
        self.verdicts: list[Verdict] = []
        self.chart: str | None = None

    def add(self, title: str, *lines: str) -> None:
        section = "\n".join([f"### {title}", "", *lines, "", ""])
        print(section, end="", flush=True)
        self.text += section

    def add_results(self, title: str, results: Results, *remarks: str) -> None:
        remarks += tuple(
            f"- {subject} has no figure for {case.kind} {case.batch:,}: {reason}"
            for (case, subject), reason in results.gaps.items()
        )
        below = ["", *remarks] if remarks else []
        self.add(title, *results_table(results), *below)
        self.verdicts += verdicts(results)

    def add_summary(self) -> None:
        """The verdicts on the targets, and the conditions of the run."""
        cells = [verdict.cells() for verdict in self.verdicts]
        self.add("Targets", *markdown_table(["target", "found", ""], cells))
        self.add("Conditions", *(f"- {condition}" for condition in conditions()))

    def save(self, folder: Path) -> None:
        """Writes the text into the page of this folder, and the chart next to it."""
        page = folder / PAGE
        content = f"{BEGIN}\n\n{self.text.rstrip()}\n\n{END}"
        pattern = f"{re.escape(BEGIN)}.*{re.escape(END)}"
        page.write_text(
            re.sub(pattern, lambda _: content, page.read_text(), flags=re.DOTALL)
        )
        if self.chart is not None:
            (folder / CHART).write_text(self.chart)
