"""The expiry of a certificate, which the module `ssl` reports of verified peers only.

A certificate (RFC 5280, section 4.1) is DER: elements of a tag, a length and a content.
"""

import re
import ssl
from calendar import timegm
from time import strptime
from typing import NamedTuple

PEM = re.compile(
    rb"-----BEGIN (X509 |TRUSTED |)CERTIFICATE-----.*?-----END \1CERTIFICATE-----", re.S
)
KINDS = re.compile(rb"(X509|TRUSTED) (?=CERTIFICATE)")

#: Tags: of the optional version, and of a time whose year has two digits, not four.
VERSION, UTC_TIME = 0xA0, 0x17

#: Elements between the version and the validity: serial number, algorithm, issuer.
BEFORE_VALIDITY = 3


class Element(NamedTuple):
    """An element of DER.

    :ivar end: where the next one begins
    """

    tag: int
    begin: int
    end: int


def expiry_of(pem: bytes) -> float:
    """The end of the validity of the first certificate, in seconds since 1970.

    :param pem: a certificate that OpenSSL accepts
    :raises ValueError: there is no certificate, or its time has another form
    :raises IndexError: it is not valid DER
    """
    found = PEM.search(pem)
    if found is None:
        raise ValueError("no certificate")
    der = ssl.PEM_cert_to_DER_cert(KINDS.sub(b"", found[0]).decode("ascii"))
    certificate = _element(der, 0)
    part = _element(der, _element(der, certificate.begin).begin)
    if part.tag == VERSION:
        part = _element(der, part.end)
    for _ in range(BEFORE_VALIDITY):
        part = _element(der, part.end)
    not_after = _element(der, _element(der, part.begin).end)
    text = der[not_after.begin : not_after.end].decode("ascii")
    if not_after.tag == UTC_TIME:  # of 1950 to 2049
        text = f"{'20' if text < '50' else '19'}{text}"
    return float(timegm(strptime(text, "%Y%m%d%H%M%SZ")))


def _element(der: bytes, at: int) -> Element:
    tag, size, begin = der[at], der[at + 1], at + 2
    if size >= 0x80:  # the number of bytes that contain the length
        length_bytes = size - 0x80
        size = int.from_bytes(der[begin : begin + length_bytes], "big")
        begin += length_bytes
    return Element(tag, begin, begin + size)
