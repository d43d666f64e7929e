"""The expiry of a certificate, next to what openssl prints."""

import ssl
from pathlib import Path

import pytest

from service.web.certificate import expiry_of
from tests.support.certificates import EC, RSA, openssl


def expiry_by_openssl(certificate: Path) -> float:
    printed = openssl("x509", "-in", certificate, "-noout", "-enddate")
    return ssl.cert_time_to_seconds(printed.strip().removeprefix("notAfter="))


@pytest.mark.parametrize("kind", [EC, RSA], ids=["EC", "RSA"])
@pytest.mark.parametrize("days", ["1", "30000"])
def test_the_expiry_in_this_century_and_the_next(
    tmp_path: Path, kind: list[str | Path], days: str
) -> None:
    """A time before 2050 has another form than a later one."""
    certificate, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    files = "-keyout", key, "-out", certificate
    openssl("req", "-x509", "-nodes", "-subj", "/CN=a", "-days", days, *files, *kind)
    assert expiry_of(certificate.read_bytes()) == expiry_by_openssl(certificate)


def test_the_first_certificate_of_a_chain_and_its_comments(tmp_path: Path) -> None:
    chain = b""
    for days in ("10", "20"):
        certificate, key = tmp_path / f"{days}.pem", tmp_path / f"{days}.key"
        files = "-keyout", key, "-out", certificate
        openssl("req", "-x509", "-nodes", "-subj", "/CN=a", "-days", days, *files, *EC)
        chain += b"subject=CN = a\n" + certificate.read_bytes()
    assert expiry_of(chain) == expiry_by_openssl(tmp_path / "10.pem")


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----"])
def test_a_file_without_a_certificate(content: bytes) -> None:
    with pytest.raises(ValueError, match="no certificate"):
        expiry_of(content)
