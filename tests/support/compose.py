"""The program `docker-compose`."""

import shutil
import sys
from pathlib import Path

import pytest


def compose_program() -> str:
    """The program of the tests' dependencies, next to their Python, or installed."""
    beside = Path(sys.executable).with_name("docker-compose")
    found = str(beside) if beside.exists() else shutil.which("docker-compose")
    if found is None:
        pytest.skip("no docker-compose")
    return found
