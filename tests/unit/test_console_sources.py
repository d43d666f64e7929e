"""The console's files: translations, sizes, forbidden words, links; with controls."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support import console_files
from tests.support.console_files import Files
from tests.support.javascript import CONSOLE

Check = Callable[[Files], list[str]]

CHECKS: list[Check] = [
    console_files.wrong_calls,
    console_files.wrong_translations,
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
import { t, tn } from "./locale/index.js";
export const texts = [
  t("Key"), t("Revision {n}", { n: 1 }), tn("{n} key", "{n} keys", 2),
  t("A long " + "text"), /["'`/]t\\(/.test(`${t("Key")}`), { t: 1 }.t,
];
export const view = () => import("./view.js");
"""

RUSSIAN = """// Russian.
export default {
  Key: "Ключ", "Revision {n}": "Ревизия {n}", "A long text": "Длинный текст",
  "{n} keys": ["{n} ключ", "{n} ключа", "{n} ключей"],
};
"""

#: A console without a fault.
SAMPLE = {
    "index.html": INDEX,
    "base.css": "/* The styles. */\na { background: url(data:,) }\n",
    "main.js": MAIN,
    "view.js": "// A view.\n",
    "locale/index.js": '// Texts.\nexport { default as t } from "./ru/index.js";\n',
    "locale/ru/index.js": (
        '// All.\nimport keys from "./keys.js";\nexport default { ...keys };\n'
    ),
    "locale/ru/keys.js": RUSSIAN,
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


def with_russian(text: str) -> dict[str, str]:
    return {"locale/ru/more.js": f"// More.\nexport default {{ {text} }};\n"}


def with_line(text: str) -> dict[str, str]:
    return {"main.js": f"{MAIN}{text}\n"}


@pytest.mark.parametrize(
    ("check", "changes", "expected"),
    [
        ("calls", with_call("t(name)"), "main.js:8: t() without a literal"),
        ("calls", with_call("t(`Key`)"), "main.js:8: t() without a literal"),
        ("calls", with_call('t(a ? "Key" : "b")'), "main.js:8: t() without a literal"),
        (
            "calls",
            with_call('tn("{n} key", b, 1)'),
            "main.js:8: tn() without a literal",
        ),
        ("calls", with_call("keys.map(t)"), "main.js:8: t is not called"),
        ("calls", with_call("{ t }"), "main.js:8: t is not called"),
        (
            "calls",
            with_call('t("Revision {n}")'),
            "main.js:8: t() with other values than {…}",
        ),
        (
            "calls",
            with_call('t("Key", { name })'),
            "main.js:8: t() with other values than {…}",
        ),
        ("translations", with_call('t("New")'), "main.js:8: 'New' has no translation"),
        (
            "translations",
            with_call('tn("{n} new", "{n} new ones", 3)'),
            "main.js:8: '{n} new ones' has no translation",
        ),
        (
            "translations",
            with_russian('Old: "Старый"'),
            "locale/ru/more.js: 'Old' is not used",
        ),
        (
            "translations",
            with_russian('Key: "Ключ"'),
            "locale/ru/more.js: 'Key' is in locale/ru/keys.js too",
        ),
        (
            "translations",
            with_call('t("With {a}", {a})') | with_russian('"With {a}": "Из {b}"'),
            "locale/ru/more.js: 'With {a}' has other {…} in Russian",
        ),
        (
            "translations",
            with_call('tn("{n} a", "{n} b", 1)')
            | with_russian('"{n} b": ["{n}", "{n}"]'),
            "locale/ru/more.js: '{n} b' has 2 forms, not 3",
        ),
        (
            "translations",
            with_call('t("One")') | with_russian('One: ["a", "b", "c"]'),
            "locale/ru/more.js: 'One' has 3 forms, not 1",
        ),
        (
            "translations",
            with_call('t("One")') | with_russian('One: ""'),
            "locale/ru/more.js: 'One' is empty in Russian",
        ),
        ("forms", {"view.js": "// A view.\n" * 101}, "view.js: 101 lines"),
        ("forms", {"view.js": "export {};\n"}, "view.js: begins without a comment"),
        ("forms", {"view.js": ""}, "view.js: begins without a comment"),
        ("forms", {"base.css": "a {}"}, "base.css: begins without a comment"),
        ("words", with_line('a.innerHTML = "";'), "main.js:8: innerHTML"),
        ("words", with_line('a["outerHTML"] = "";'), "main.js:8: outerHTML"),
        ("words", with_line('document.write("");'), "main.js:8: document.write"),
        ("words", with_line('eval("1");'), "main.js:8: eval("),
        ("words", with_line("localStorage.a = 1;"), "main.js:8: localStorage"),
        ("words", with_line("document.cookie;"), "main.js:8: document.cookie"),
        ("words", {"index.html": "<p style='a'>"}, "index.html:1: style="),
        ("words", {"index.html": "<p onclick='a'>"}, "index.html:1: onclick="),
        ("words", {"index.html": "<script>1</script>"}, "index.html:1: <script"),
        ("words", {"index.html": "<style>"}, "index.html:1: <style"),
        ("words", {"index.html": "<a href='http://a'>"}, "index.html:1: http://"),
        ("links", with_line('import "./other.js";'), "main.js:8: ./other.js"),
        ("links", with_line('export * from "./other.js";'), "main.js:8: ./other.js"),
        ("links", with_line('import("../main.js");'), "main.js:8: ../main.js"),
        ("links", with_line("import(name);"), "main.js:8: not a literal"),
        ("links", with_line('import "lodash";'), "main.js:8: lodash"),
        ("links", with_line('import "./View.js";'), "main.js:8: ./View.js"),
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
