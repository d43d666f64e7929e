"""The coding of a reply, negotiated by Accept-Encoding."""

import pytest
from aiohttp.compression_utils import HAS_ZSTD

from service.web.reply_compression import AVAILABLE, GZIP, ZSTD, negotiated
from tests.support.samples import ACCEPTS_ANY, ACCEPTS_GZIP


@pytest.mark.parametrize("accept", ACCEPTS_GZIP)
def test_gzip_is_chosen_with_or_without_zstd(accept: tuple[str, ...]) -> None:
    assert negotiated(accept, [ZSTD, GZIP]) == negotiated(accept, [GZIP]) == GZIP


@pytest.mark.parametrize("accept", ACCEPTS_ANY)
def test_zstd_is_preferred_where_it_is_installed(accept: tuple[str, ...]) -> None:
    assert negotiated(accept, [ZSTD, GZIP]) == ZSTD
    assert negotiated(accept, [GZIP]) == GZIP
    assert negotiated(accept, []) is None


@pytest.mark.parametrize(
    ("accept", "coding"),
    [
        ("zstd", None),
        ("zstd;q=1, gzip;q=0.5", GZIP),
        ("zstd, gzip;q=0", None),
        ("zstd, gzip;q=0.1, identity;q=0.5", None),
    ],
)
def test_zstd_is_chosen_only_where_it_is_installed(
    accept: str, coding: str | None
) -> None:
    assert negotiated([accept], [ZSTD, GZIP]) == ZSTD
    assert negotiated([accept], [GZIP]) == coding


def test_every_installed_coding_is_available() -> None:
    assert ((ZSTD, GZIP) if HAS_ZSTD else (GZIP,)) == AVAILABLE
