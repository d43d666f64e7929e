"""docs/monitoring.md names every metric and every alert, and panels that exist."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.monitoring.conftest import Existing
from tests.support.machine import ROOT
from tests.support.monitoring import alerts, dashboard

PAGES = [Path("docs/monitoring.md"), Path("docs/ru/monitoring.md")]

CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.DOTALL | re.MULTILINE)

#: Steps of each alert.
STEPS = 3

#: Titles of panels, as each language quotes them; a link is none.
QUOTED = {"monitoring.md": r'"([^"\n]+)"', "ru": r"«([^\[»\n]+)»"}


def text_of(page: Path) -> str:
    return (ROOT / page).read_text()


def named(page: Path, prefix: str) -> set[str]:
    """The metrics in code spans; `*` stands for the rest of a name."""
    return {*re.findall(rf"`({prefix}_[a-z0-9_]+\*?)`", text_of(page))}


def sections(page: Path) -> dict[str, str]:
    """The texts below headings, by those."""
    parts = re.split(r"^#+ (.*)\n", text_of(page), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("page", PAGES, ids=str)
@pytest.mark.parametrize("prefix", ["kv", "process"])
def test_the_page_names_every_metric_and_no_other(
    page: Path, prefix: str, existing: Existing
) -> None:
    families = {each for each in existing.families if each.startswith(f"{prefix}_")}
    assert named(page, prefix) ^ families == set()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_page_groups_every_metric_of_tarantool(
    page: Path, existing: Existing
) -> None:
    families = {each for each in existing.families if each.startswith("tnt_")}
    patterns = named(page, "tnt")
    assert [
        each for each in families if not any(fnmatchcase(each, p) for p in patterns)
    ] == []
    assert [
        p for p in patterns if not any(fnmatchcase(each, p) for each in families)
    ] == []


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_the_page_has_the_first_three_steps_of_every_alert(page: Path) -> None:
    found = {name: text for name, text in sections(page).items() if name[:2] == "KV"}
    assert found.keys() == alerts().keys()
    for name, text in found.items():
        severity = text.strip().partition(":")[0].lower()
        assert severity == alerts()[name]["labels"]["severity"], name
        steps = re.findall(r"^(\d)\. ", text, re.MULTILINE)
        assert steps == [str(number + 1) for number in range(STEPS)], name


def panels_named(page: Path) -> set[str]:
    pattern = QUOTED[page.parent.name if page.parent.name == "ru" else page.name]
    return {*re.findall(pattern, CODE.sub("", text_of(page)))}


def test_the_pages_name_panels_that_exist() -> None:
    titles = {panel["title"] for panel in dashboard()["panels"]}
    english, russian = (panels_named(page) for page in PAGES)
    assert len(english) > STEPS
    assert english <= titles
    assert russian == english
