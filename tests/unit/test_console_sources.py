"""The console's files: messages, sizes, forbidden words, links; with controls."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import console_files
from tests.support.console_files import Files
from tests.support.javascript import CONSOLE

Check = Callable[[Files], list[str]]

CHECKS: list[Check] = [
    console_files.wrong_calls,
    console_files.wrong_forms,
    console_files.wrong_size,
    console_files.wrong_words,
    console_files.wrong_links,
]

INDEX = """<!doctype html>
<link rel="icon" href="favicon.ico">
<link rel="icon" href="data:,">
<link rel="stylesheet" href="console/base.css">
<script type="module" src="console/main.js"></script>
<a href="#/keys">{text}</a>
"""

MAIN = """// The start: "//" and t("not a call") in a comment.
import { t, tn } from "./locale.js";
export const texts = [
  t("Key", "Ключ"), t("Revision {n}", "Ревизия {n}", { n: 1 }),
  tn(2, ["{n} key", "{n} keys"], ["{n} ключ", "{n} ключа", "{n} ключей"]),
  t("A long " + "text", "Длинный " + "текст"),
  /["'`/]t\\(/.test(`${t("Key", "Ключ")}`), { t: 1 }.t,
];
export { a } from "./view.js";
"""

#: A console without a fault.
SAMPLE = {
    "index.html": INDEX,
    "base.css": "/* The styles. */\na { background: url(data:,) }\n",
    "main.js": MAIN,
    "view.js": "// A view.\n",
    "locale.js": "// Texts.\nexport const tn = 1;\n",
}


@pytest.fixture(scope="module")
def console() -> Files:
    return Files(CONSOLE)


def sample(folder: Path, changes: dict[str, str]) -> Files:
    for name, text in (SAMPLE | changes).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return Files(folder)


def test_the_console_has_a_page() -> None:
    assert (CONSOLE / "index.html").is_file()


@pytest.mark.parametrize("check", CHECKS)
def test_the_console_has_no(check: Check, console: Files) -> None:
    assert check(console) == []


@pytest.mark.parametrize("check", CHECKS)
def test_a_correct_sample_passes(check: Check, tmp_path: Path) -> None:
    assert check(sample(tmp_path, {})) == []


def with_call(text: str) -> dict[str, str]:
    return {"main.js": f"{MAIN}export const added = {text};\n"}


def with_line(text: str) -> dict[str, str]:
    return {"main.js": f"{MAIN}{text}\n"}


@pytest.mark.parametrize(
    ("check", "changes", "expected"),
    [
        (
            "calls",
            with_call('t(name, "Имя")'),
            "main.js:10: t() without a literal in both languages",
        ),
        (
            "calls",
            with_call('t(`Key`, "Ключ")'),
            "main.js:10: t() without a literal in both languages",
        ),
        (
            "calls",
            with_call('t("Key")'),
            "main.js:10: t() without a literal in both languages",
        ),
        (
            "calls",
            with_call('t(a ? "Key" : "b", "Ключ")'),
            "main.js:10: t() without a literal in both languages",
        ),
        (
            "calls",
            with_call('tn(1, ["{n} key", b], ["{n}", "{n}", "{n}"])'),
            "main.js:10: tn() without a literal in both languages",
        ),
        (
            "calls",
            with_call('tn(1, ["{n}", "{n}"], ["{n}", "{n}"])'),
            "main.js:10: tn() with another number of forms",
        ),
        (
            "calls",
            with_call('t(["One", "Two"], "Один")'),
            "main.js:10: t() with another number of forms",
        ),
        (
            "calls",
            with_call('t("With {a}", "Из {b}", { a })'),
            "main.js:10: t() with other {…} in Russian",
        ),
        (
            "calls",
            with_call('t("One", " ")'),
            "main.js:10: t() with an empty text",
        ),
        (
            "calls",
            with_call('t("Revision {n}", "Ревизия {n}")'),
            "main.js:10: t() with other values than {…}",
        ),
        (
            "calls",
            with_call('t("Key", "Ключ", { name })'),
            "main.js:10: t() with other values than {…}",
        ),
        (
            "calls",
            with_call("keys.map(t)"),
            "main.js:10: t is not called",
        ),
        (
            "calls",
            with_call("{ t }"),
            "main.js:10: t is not called",
        ),
        ("forms", {"view.js": "// A view.\n" * 101}, "view.js: 101 lines"),
        ("forms", {"view.js": "export {};\n"}, "view.js: begins without a comment"),
        ("forms", {"view.js": ""}, "view.js: begins without a comment"),
        ("forms", {"base.css": "a {}"}, "base.css: begins without a comment"),
        ("words", with_line('a.innerHTML = "";'), "main.js:10: innerHTML"),
        ("words", with_line('a["outerHTML"] = "";'), "main.js:10: outerHTML"),
        ("words", with_line('document.write("");'), "main.js:10: document.write"),
        ("words", with_line('eval("1");'), "main.js:10: eval("),
        ("words", with_line("localStorage.a = 1;"), "main.js:10: localStorage"),
        ("words", with_line("document.cookie;"), "main.js:10: document.cookie"),
        ("words", {"index.html": "<p style='a'>"}, "index.html:1: style="),
        ("words", {"index.html": "<p onclick='a'>"}, "index.html:1: onclick="),
        ("words", {"index.html": "<script>1</script>"}, "index.html:1: <script"),
        ("words", {"index.html": "<style>"}, "index.html:1: <style"),
        ("words", {"index.html": "<a href='http://a'>"}, "index.html:1: http://"),
        ("links", with_line('import "./other.js";'), "main.js:10: ./other.js"),
        ("links", with_line('export * from "./other.js";'), "main.js:10: ./other.js"),
        ("links", with_line('import("../main.js");'), "main.js:10: ../main.js"),
        ("links", with_line("import(name);"), "main.js:10: not a literal"),
        ("links", with_line('import "lodash";'), "main.js:10: lodash"),
        ("links", with_line('import "./View.js";'), "main.js:10: ./View.js"),
        ("links", {"index.html": f"{INDEX}<img src='a.svg'>"}, "index.html:7: a.svg"),
        (
            "links",
            {"base.css": "/* */\na { background: url('a.svg') }"},
            "base.css:2: a.svg",
        ),
        ("links", {"more.js": "// More.\n"}, "more.js: nothing refers to it"),
    ],
)
def test_a_fault_is_reported(
    check: str, changes: dict[str, str], expected: str, tmp_path: Path
) -> None:
    found: Check = getattr(console_files, f"wrong_{check}")
    assert expected in found(sample(tmp_path, changes))


def test_a_console_that_is_too_large_is_reported(tmp_path: Path) -> None:
    files = sample(tmp_path, {"picture.bin": "x" * console_files.MAX_BYTES})
    (line,) = console_files.wrong_size(files)
    assert line.endswith(" bytes, more than 150000")
