"""Certificates of the tests' own authority."""

import os
import shutil
import ssl
import subprocess
from pathlib import Path

import pytest

Arguments = list[str | Path]

#: Of a kind that is made in no time.
EC: Arguments = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]

RSA: Arguments = ["-newkey", "rsa:2048"]


def openssl(*arguments: str | Path) -> str:
    """What the program prints."""
    program = shutil.which("openssl")
    if program is None and not os.environ.get("CI"):
        pytest.skip("no openssl")
    assert program is not None, "no openssl"
    command = [program, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


class Authority:
    """Signs certificates for 127.0.0.1, and is trusted by its clients alone."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self.certificate, self._key = folder / "ca.pem", folder / "ca.key"
        self._request(self.certificate, self._key, *EC, "-subj", "/CN=tests")

    def issue(self, certificate: Path, key: Path, kind: Arguments = EC) -> None:
        """Replaces the contents of the files."""
        signer: Arguments = ["-CA", self.certificate, "-CAkey", self._key]
        name = "-subj", "/CN=kv", "-addext", "subjectAltName=IP:127.0.0.1"
        self._request(certificate, key, *kind, *signer, *name)

    @staticmethod
    def _request(certificate: Path, key: Path, *more: str | Path) -> None:
        files: Arguments = ["-keyout", key, "-out", certificate]
        openssl("req", "-x509", "-nodes", "-days", "2", *files, *more)

    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self.certificate)


class Pair:
    """The files of a service."""

    def __init__(self, authority: Authority, folder: Path) -> None:
        self._authority = authority
        self.certificate, self.key = folder / "cert.pem", folder / "key.pem"
        self.renew()

    def renew(self, kind: Arguments = EC) -> None:
        self._authority.issue(self.certificate, self.key, kind)

    def environ(self) -> dict[str, str]:
        return {"KV_TLS_CERT": str(self.certificate), "KV_TLS_KEY": str(self.key)}

    def in_file(self) -> bytes:
        return ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
