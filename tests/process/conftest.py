"""Fixtures for a service with TLS."""

from pathlib import Path

import pytest

from tests.support.certificates import Authority, Pair


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority") / "ca")


@pytest.fixture
def pair(authority: Authority, tmp_path: Path) -> Pair:
    return Pair(authority, tmp_path)
