"""The pages agree with the service, with each other, and between the languages."""

import itertools
import re
from collections import Counter
from pathlib import Path

import pytest

from service.api.routes import ROUTES
from service.settings import SECRETS, Settings
from tests.docs.pages import (
    PAGES,
    README,
    TRANSLATIONS,
    Block,
    blocks,
    headings,
    text_of,
)
from tests.support.machine import ROOT

CONFIGURATION = Path("docs/configuration.md")
DESIGN = Path("docs/design.md")

#: Files of the console and of the Swagger UI page, which no page names.
ASSETS = {"GET /favicon.ico", "GET /console/{path:.+}", "GET /docs/{name}"}

#: Of a link or an image; not in a code span.
TARGET = re.compile(r"(?:\]\(|\bsrc(?:set)?=\")([^)\"\s]+)")
CODE_BLOCK = re.compile(r"^```.*?^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`", re.DOTALL | re.MULTILINE)

VARIABLE = re.compile(r"\b(?:KV|ADMIN)_[A-Z_]+\b")


def variables() -> set[str]:
    files = {f"{secret}_FILE" for secret in SECRETS}
    return {*Settings.__struct_encode_fields__, *files}


def routes() -> set[str]:
    found = [(route.method, route.path) for route in ROUTES]
    return {
        f"{method} {re.sub(r'{key:.*}$', '{key}', path)}" for method, path in found
    } - ASSETS


def anchors(page: Path) -> set[str]:
    """The anchors that GitHub makes of headings."""
    seen: Counter[str] = Counter()
    found = set()
    for heading in headings(page):
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        found.add(f"{plain}-{seen[plain]}" if seen[plain] else plain)
        seen[plain] += 1
    return found


def broken_links(page: Path, text: str) -> list[str]:
    broken = []
    for target in TARGET.findall(CODE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page.parent / path).resolve() if path else ROOT / page
        is_found = file.is_relative_to(ROOT) and file.exists()
        if is_found and anchor:
            is_found = anchor in anchors(file.relative_to(ROOT))
        if not is_found:
            broken.append(target)
    return broken


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_every_link_leads_to_a_page_and_a_heading(page: Path) -> None:
    assert broken_links(page, text_of(page)) == []


def test_a_broken_link_is_found() -> None:
    """The control of the test before."""
    text = "[a](docs/api.md#write) [b](docs/none.md) [c](docs/api.md#none) `[d](none)`"
    text += '<source srcset="docs/none.png"><img src="docs/benchmarks/2026-11.svg">'
    broken = ["docs/none.md", "docs/api.md#none", "docs/none.png"]
    assert broken_links(README, text) == broken


def test_every_page_is_linked_from_the_readme() -> None:
    for readme, pages in (
        (README, TRANSLATIONS),
        (TRANSLATIONS[README], TRANSLATIONS.values()),
    ):
        text = text_of(readme)
        assert [p for p in pages if p != readme and f"({p})" not in text] == []


def test_no_page_lacks_its_original() -> None:
    translated = {p.relative_to(ROOT) for p in (ROOT / "docs/ru").glob("*.md")}
    assert translated == {*TRANSLATIONS.values()} - {TRANSLATIONS[README]}


@pytest.mark.parametrize(("english", "russian"), TRANSLATIONS.items(), ids=str)
def test_both_languages_show_the_same_examples(english: Path, russian: Path) -> None:
    assert list(blocks(russian)) == list(blocks(english))


@pytest.mark.parametrize(("english", "russian"), TRANSLATIONS.items(), ids=str)
def test_both_languages_name_the_same_routes_codes_and_settings(
    english: Path, russian: Path
) -> None:
    """What stands in code spans, as it is the same in every language."""

    def named(page: Path) -> set[str]:
        spans = re.findall(r"`([^`\n]+)`", CODE_BLOCK.sub("", text_of(page)))
        return {span for span in spans if re.fullmatch(r"[\x21-\x7e]+", span)}

    assert named(russian) ^ named(english) == set()


def test_powershell_examples_say_what_the_curl_ones_say() -> None:
    def described(block: Block) -> tuple[list[str], list[str], list[str]]:
        return (
            re.findall(r"http://[\w:./?=&-]+", block.text),
            re.findall(r"'([\{\"].*)'", block.text),
            re.findall(r"Bearer", block.text),
        )

    pairs = [
        (before, block)
        for page in TRANSLATIONS
        for before, block in itertools.pairwise(blocks(page))
        if block.language == "powershell"
    ]
    for curl, powershell in pairs:
        assert described(curl) == described(powershell)
        if "-Body" in powershell.text:  # else version 5.1 sends Latin-1
            assert "-ContentType 'application/json; charset=utf-8'" in powershell.text
    paths = {url for block, _ in pairs for url in described(block)[0]}
    called = "\n".join(re.sub(r"config/colour", "{key}", path) for path in paths)
    for route in ROUTES:
        if route.path.startswith("/api/"):
            path = route.path.removesuffix("{id}")  # which a variable has
            assert re.sub(r"\{.*\}$", "{key}", path) in called


@pytest.mark.parametrize("page", [README, TRANSLATIONS[README]], ids=str)
def test_the_readme_lists_every_route(page: Path) -> None:
    listed = re.findall(r"^\| `([A-Z]+ /[^`]*)` \|", text_of(page), re.MULTILINE)
    assert sorted(listed) == sorted(routes())


@pytest.mark.parametrize("page", [CONFIGURATION, TRANSLATIONS[CONFIGURATION]], ids=str)
def test_the_settings_table_names_every_variable(page: Path) -> None:
    assert {*VARIABLE.findall(text_of(page))} == variables()


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_no_page_names_a_variable_that_does_not_exist(page: Path) -> None:
    assert {*VARIABLE.findall(text_of(page))} <= variables()


def walks(page: Path) -> list[list[str]]:
    """The modules in the rows of each table that has some, in their order."""
    tables = re.split(r"^\|---.*$", text_of(page), flags=re.MULTILINE)[1:]
    rows = [re.match(r"(\n\|.*)*", table) for table in tables]
    found = [re.findall(r"`((?:service|kv)/[^`]*)`", row[0]) for row in rows if row]
    return [walk for walk in found if walk]


@pytest.mark.parametrize("page", [DESIGN, TRANSLATIONS[DESIGN]], ids=str)
def test_a_walk_visits_no_module_twice(page: Path) -> None:
    found = walks(page)
    assert [len(walk) > 4 for walk in found] == [True, True]
    assert [walk for walk in found if len({*walk}) < len(walk)] == []
    assert found == walks(DESIGN)


def test_the_design_page_names_modules_that_exist() -> None:
    named = re.findall(r"`((?:service|kv)/[\w/.]*\w)`", text_of(DESIGN))
    roots = {"service": ROOT, "kv": ROOT / "lua"}
    missing = []
    for module in named:
        path = roots[module.partition("/")[0]] / module
        candidates = (path, path.with_suffix(".py"), path.with_suffix(".lua"))
        if not any(candidate.exists() for candidate in candidates):
            missing.append(module)
    assert missing == []


def test_the_design_page_lists_files_that_exist() -> None:
    """Those of a package are in the item of the package."""
    missing = []
    for package, item in re.findall(
        r"^- \*\*`(\w+)/`\*\*(.*)$", text_of(DESIGN), re.MULTILINE
    ):
        for file in re.findall(r"`(\w+\.py)`", item):
            if not (ROOT / "service" / package / file).exists():
                missing.append(f"{package}/{file}")
    assert missing == []
