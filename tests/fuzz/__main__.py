"""Runs a target under the fuzzer: `python -m tests.fuzz TARGET [OPTION…] [FOLDER…]`.

What comes after the target goes to libFuzzer (`-help=1`). Of the folders, which hold
inputs to begin with, the first one takes what it finds.
"""

import sys
from json import decoder, scanner

import atheris

WATCHED = ["service", "jwt", "urllib.parse", "tests.fuzz"]

# the parsers in C cannot be watched at work; what calls and what checks them can
with atheris.instrument_imports(include=WATCHED):
    from tests.fuzz import controls, targets

for function in (
    decoder.py_scanstring,  # type: ignore[attr-defined]
    decoder.JSONObject,  # type: ignore[attr-defined]
    decoder.JSONArray,  # type: ignore[attr-defined]
    scanner.py_make_scanner,  # type: ignore[attr-defined]
):
    atheris.instrument_func(function)

TARGETS: dict[str, targets.Target] = {
    "body": targets.body,
    "lines": targets.lines,
    "token": targets.token,
    "faulty-body": controls.body,
    "faulty-lines": controls.lines,
    "faulty-token": controls.token,
}


def main(name: str, *arguments: str) -> None:
    # to merge, libFuzzer gives this to a shell, with arguments of its own
    again = f"{sys.executable} -m tests.fuzz {name}"
    atheris.Setup([again, *arguments], TARGETS[name])
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
