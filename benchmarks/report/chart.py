"""The bar chart: calls per second of each subject, by kind and batch size."""

import pygal
from pygal.style import LightStyle

from benchmarks.measure.cases import Case, Setting
from benchmarks.report.results import Results, rate


def svg(results: Results, setting: Setting, connections: int, tarantool: str) -> str:
    """Medians of the rounds on a logarithmic axis, without scripts.

    :param tarantool: its version
    """
    version = tarantool.partition("-")[0]
    cases = [
        case
        for case in results.cases()
        if case.setting == setting and case.connections == connections
    ]
    cases.sort(key=lambda case: (case.kind, case.batch))
    chart = pygal.Bar(
        title=f"Calls a second, {setting.keys:,} keys, {setting.mode}, "
        f"Tarantool {version}",
        logarithmic=True,
        x_labels=[f"{case.kind} {case.batch:,}" for case in cases],
        x_label_rotation=45,
        legend_at_bottom=True,
        legend_at_bottom_columns=len(results.names),
        js=[],
        no_prefix=True,
        disable_xml_declaration=True,
        style=LightStyle,
    )
    for subject in results.names:
        if any(subject in results.subjects(case) for case in cases):
            chart.add(subject, [_rate(results, case, subject) for case in cases])
    return str(chart.render())


def _rate(results: Results, case: Case, subject: str) -> float | None:
    spread = results.spread(case, subject, rate)
    return spread and spread.median
