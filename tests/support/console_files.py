"""What the console's files have to keep to, read from their text, without a browser.

Each check returns lines that say what is wrong and where; none if all is right.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from tests.support.javascript import evaluate

#: A file fits on one screen.
MAX_LINES = 100

#: Bytes of all files together, as the browser loads them.
MAX_BYTES = 150_000

#: The numbers of forms of a text about a number: English for 1 and for others, Russian
#: for 1, for 2 to 4, and for 5 and more.
ENGLISH_FORMS, RUSSIAN_FORMS = 2, 3

#: Defines `t` and `tn`.
LOCALE = "locale.js"

#: The page is at /, its files below this path.
PREFIX = "console/"

#: Other addresses of the service that the page links to.
OTHER_PAGES = {"docs", "favicon.ico"}

TEXT = {".js", ".css", ".html"}

COMMENT = re.compile(r"(//|/\*) *\S")

#: What turns text into HTML or code, or keeps the token after the session.
FORBIDDEN = re.compile(
    r"\b(innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|parseHTMLUnsafe"
    r"|createContextualFragment|parseFromString|srcdoc|document\.write\w*|eval\s*\("
    r"|new\s+Function|localStorage|indexedDB|document\.cookie|cookieStore)"
)

#: What the policy refuses in the page itself.
INLINE = re.compile(
    r"<style\b|<script\b(?![^>]*\bsrc=)|\s(?:style|on[a-z]+)\s*=|\bhttps?://", re.I
)

LINK = re.compile(r"""\s(?:src|href)=["']([^"'#]+)["']""")
CSS_LINK = re.compile(r"""(?:@import\s+|\burl\(\s*)["']?([^"')\s]+)""")
PLACEHOLDER = re.compile(r"\{(\w+)\}")

PARSE = 'import { parsed } from "./parse_modules.js"; return input.map(parsed)'


class Call(NamedTuple):
    """A call of `t` or `tn`; a text is None if it is not a literal."""

    where: str
    name: str
    english: list[str | None]
    russian: list[str | None]
    members: list[str] | None


class Link(NamedTuple):
    """What a file refers to; the path is None if it is not a literal."""

    where: str
    source: Path
    path: str | None


class Files:
    """The files of a folder, each read and parsed once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.all = sorted(path for path in folder.rglob("*") if path.is_file())
        self.texts = {
            path: path.read_text("utf-8") for path in self.all if path.suffix in TEXT
        }

    def name(self, path: Path) -> str:
        return path.relative_to(self.folder).as_posix()

    @cached_property
    def calls(self) -> list[Call]:
        return [
            Call(
                f"{name}:{call['line']}",
                call["name"],
                call["english"],
                call["russian"],
                call["members"],
            )
            for name, module in self._parsed.items()
            if name != LOCALE
            for call in module["calls"]
        ]

    @cached_property
    def loose(self) -> list[str]:
        return [
            f"{name}:{use['line']}: {use['name']} is not called"
            for name, module in self._parsed.items()
            for use in module["loose"]
            if name != LOCALE
        ]

    @cached_property
    def links(self) -> list[Link]:
        """What modules import, pages load and style sheets use."""
        found = [
            Link(f"{name}:{each['line']}", self.folder / name, each["path"])
            for name, module in self._parsed.items()
            for each in module["imports"]
        ]
        for path, text in self.texts.items():
            pattern = {".html": LINK, ".css": CSS_LINK}.get(path.suffix)
            for match in pattern.finditer(text) if pattern else ():
                line = text.count("\n", 0, match.start()) + 1
                found.append(Link(f"{self.name(path)}:{line}", path, match[1]))
        return [
            link
            for link in found
            if not (link.path or "").startswith("data:")
            and link.path not in OTHER_PAGES
        ]

    @cached_property
    def _parsed(self) -> dict[str, Any]:
        paths = [path for path in self.texts if path.suffix == ".js"]
        folder = Path(__file__).parent
        modules = evaluate(PARSE, [str(path) for path in paths], folder=folder)
        return dict(zip(map(self.name, paths), modules, strict=True))


def wrong_calls(files: Files) -> list[str]:
    """Calls of `t` and `tn` whose texts are not literals in both languages."""
    return files.loose + [
        f"{call.where}: {call.name}() {fault}"
        for call in files.calls
        for fault in _faults(call)
    ]


def _faults(call: Call) -> Iterator[str]:
    texts = call.english + call.russian
    if None in texts:
        yield "without a literal in both languages"
        return
    expected = (ENGLISH_FORMS, RUSSIAN_FORMS) if call.name == "tn" else (1, 1)
    if (len(call.english), len(call.russian)) != expected:
        yield "with another number of forms"
    shown = _placeholders(*call.english)
    if any(_placeholders(form) != shown for form in call.russian):
        yield "with other {…} in Russian"
    if not all(text and text.strip() for text in texts):
        yield "with an empty text"
    given = {"n"} if call.name == "tn" else set()
    if call.members is not None and shown - given != {*call.members} - given:
        yield "with other values than {…}"


def _placeholders(*texts: str | None) -> set[str]:
    return {name for text in texts for name in PLACEHOLDER.findall(text or "")}


def wrong_forms(files: Files) -> list[str]:
    """Files that are too long, or begin without a comment that says what they are.

    The title of a page says it.
    """
    found = []
    for path, text in files.texts.items():
        lines = text.splitlines()
        if len(lines) > MAX_LINES:
            found.append(f"{files.name(path)}: {len(lines)} lines")
        if path.suffix != ".html" and not COMMENT.match(text):
            found.append(f"{files.name(path)}: begins without a comment")
    return found


def wrong_size(files: Files) -> list[str]:
    """All files together, if they are too large."""
    size = sum(path.stat().st_size for path in files.all)
    return [f"{size} bytes, more than {MAX_BYTES}"] if size > MAX_BYTES else []


def wrong_words(files: Files) -> list[str]:
    """What turns text into HTML or code, and what the policy refuses in a page."""
    found: list[str] = []
    for path, text in files.texts.items():
        patterns = [FORBIDDEN, INLINE] if path.suffix == ".html" else [FORBIDDEN]
        for number, line in enumerate(text.splitlines(), 1):
            found += (
                f"{files.name(path)}:{number}: {match[0].strip()}"
                for pattern in patterns
                if (match := pattern.search(line))
            )
    return found


def wrong_links(files: Files) -> list[str]:
    """Links to what is not a file of the console, and files that nothing refers to."""
    known, used = set(files.all), set()
    found: list[str] = []
    for link in files.links:
        target = None if link.path is None else _target(files, link)
        if target in known:
            used.add(target)
        else:
            found.append(f"{link.where}: {link.path or 'not a literal'}")
    start = files.folder / "index.html"
    found += (
        f"{files.name(path)}: nothing refers to it"
        for path in files.all
        if path not in used and path != start
    )
    return found


def _target(files: Files, link: Link) -> Path | None:
    """The file of a link; a module's path says that it is relative."""
    path = link.path or ""
    if link.source.suffix == ".html":
        return (files.folder / path.removeprefix(PREFIX)).resolve()
    if link.source.suffix == ".js" and not path.startswith(("./", "../")):
        return None
    return (link.source.parent / path).resolve()
