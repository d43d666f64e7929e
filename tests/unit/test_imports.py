"""What a module must not import, directly or through others."""

import json
import subprocess
import sys

import pytest

from tests.support.machine import ROOT

#: Prints which of the top-level packages in the arguments an import has loaded.
LOADED = """
import importlib, json, sys
importlib.import_module(sys.argv[1])
print(json.dumps([name for name in sys.argv[2:] if name in sys.modules]))
"""

LIBRARIES = ["aiohttp", "asynctnt", "bcrypt", "gunicorn", "jwt", "uvloop"]


def loaded_by(module: str) -> set[str]:
    run = subprocess.run(
        [sys.executable, "-c", LOADED, module, *LIBRARIES],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    return set(json.loads(run.stdout))


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("service.settings", set()),
        ("service.errors", set()),
        ("service.model", set()),
        ("service.storage.client", {"asynctnt"}),
        ("service.storage.feed", {"asynctnt"}),
        ("service.auth.passwords", {"bcrypt"}),
        ("service.hash_password", {"bcrypt"}),
    ],
)
def test_a_module_loads_no_other_library(module: str, expected: set[str]) -> None:
    assert loaded_by(module) == expected


def test_the_application_loads_aiohttp() -> None:
    """The control."""
    assert "aiohttp" in loaded_by("service.app")
