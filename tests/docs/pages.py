"""The pages of the documentation, and the examples on them."""

import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from tests.support.machine import ROOT

README = Path("README.md")
OPERATIONS = Path("docs/operations.md")

#: Each English page with its Russian translation; README first, where a reader starts.
TRANSLATIONS = {README: Path("README.ru.md")} | {
    page.relative_to(ROOT): Path("docs/ru", page.name)
    for page in sorted((ROOT / "docs").glob("*.md"))
}

#: Tables that a program wrote, which are not translated.
REPORTS = [page.relative_to(ROOT) for page in (ROOT / "docs/benchmarks").glob("*.md")]

PAGES = [*TRANSLATIONS, *TRANSLATIONS.values(), *REPORTS]

#: A fenced block, or a heading; a line of a block that resembles a heading is none.
PART = re.compile(
    r"^```(?P<language>\w+)\n(?P<text>.*?)^```$|^#+ (?P<heading>[^\n]+)$",
    re.DOTALL | re.MULTILINE,
)


@dataclass(frozen=True)
class Block:
    """:param section: the number of headings before it"""

    language: str
    text: str
    section: int = 0


@dataclass(frozen=True)
class Example:
    command: str
    reply: str | None
    section: int


def text_of(page: Path) -> str:
    return (ROOT / page).read_text()


def headings(page: Path) -> list[str]:
    return [part["heading"] for part in PART.finditer(text_of(page)) if part["heading"]]


def blocks(page: Path) -> Iterator[Block]:
    section = 0
    for part in PART.finditer(text_of(page)):
        if part["heading"]:
            section += 1
        else:
            yield Block(part["language"], part["text"], section)


def examples(page: Path, *programs: str) -> list[Example]:
    """The shell blocks that begin so, each with the reply shown after it."""
    shown = [block for block in blocks(page) if block.language != "powershell"]
    found = []
    for block, following in itertools.pairwise([*shown, Block("", "")]):
        if block.language == "sh" and block.text.startswith(programs):
            has_reply = following.language in ("json", "text")
            reply = following.text if has_reply else None
            found.append(Example(block.text, reply, block.section))
    return found
