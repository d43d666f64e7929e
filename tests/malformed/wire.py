"""Attacks on a connection: malformed requests, and incomplete ones."""

from collections.abc import Callable
from enum import Enum
from random import Random
from typing import NamedTuple

from tests.support.random_requests import Request, head


class End(Enum):
    """The client's action when it has sent all."""

    WAIT = "wait"
    HALF_CLOSE = "half-close"
    CLOSE = "close"
    ABORT = "abort"


class Attack(NamedTuple):
    """:ivar parts: sent one after the other
    :ivar end: never to wait for a reply to half a request
    """

    parts: list[bytes]
    end: End


GONE = [End.HALF_CLOSE, End.CLOSE, End.ABORT]


def _noise(random: Random, _: Request) -> Attack:
    return Attack(
        [random.randbytes(random.randrange(1, 400)) + b"\r\n\r\n"], _gone(random)
    )


def _other_protocols(random: Random, _: Request) -> Attack:
    sent = random.choice(
        [
            b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + random.randbytes(100),
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            b"EHLO kv\r\n\r\n",
            b"*1\r\n$4\r\nPING\r\n",
            b"GET / HTTP/9.9\r\n\r\n",
            b"CONNECT kv:443 HTTP/1.1\r\nHost: kv\r\n\r\n",
        ]
    )
    return Attack([sent], _gone(random))


def _cut(random: Random, request: Request) -> Attack:
    sent = bytes(request)
    return Attack([sent[: random.randrange(len(sent))]], _gone(random))


def _huge_header(random: Random, request: Request) -> Attack:
    line = "X-Long: " + "x" * random.choice([8_000, 9_000, 20_000, 70_000])
    return Attack([bytes(request._replace(lines=[line]))], _gone(random))


def _many_headers(random: Random, request: Request) -> Attack:
    lines = [f"X-{number}: x" for number in range(random.choice([100, 200, 2000]))]
    return Attack([bytes(request._replace(lines=lines))], _gone(random))


def _folded_or_odd_header(random: Random, request: Request) -> Attack:
    line = random.choice(["a b: c", "abc", "a: \0", "a: b\r\n c", ": x", "Host: other"])
    return Attack([bytes(request._replace(lines=[line]))], _gone(random))


def _wrong_length(random: Random, request: Request) -> Attack:
    length = random.choice(["-1", "+1", "x", "9" * 30, "1", "17000000", "5, 5", "0x5"])
    lines = [*request.lines, f"Content-Length: {length}"]
    sent = head("POST", request.target, lines, None) + request.body
    return Attack([sent], _gone(random))


def _chunks(random: Random, request: Request) -> Attack:
    lines = [*request.lines, "Transfer-Encoding: chunked"]
    body = random.choice([request.body, b"x" * 100]) or b"{}"
    whole = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
    chunks = random.choice(
        [
            whole,
            whole[: random.randrange(len(whole))],
            whole.replace(b"\r\n", b"\n"),
            b"%x;a=b\r\n%s\r\n0\r\nTrailer: x\r\n\r\n" % (len(body), body),
            b"zz\r\n" + body + b"\r\n0\r\n\r\n",
            b"-1\r\n" + body + b"\r\n0\r\n\r\n",
            b"f" * 30 + b"\r\n",
            b"1\r\n" + body + b"\r\n0\r\n\r\n",
        ]
    )
    return Attack([head("POST", request.target, lines, None), chunks], _gone(random))


def _both_framings(random: Random, request: Request) -> Attack:
    lines = [*request.lines, "Transfer-Encoding: chunked", "Content-Length: 5"]
    sent = head("POST", request.target, lines, None) + b"0\r\n\r\nGET /livez HTTP/1.1"
    return Attack([sent], _gone(random))


def _byte_by_byte(random: Random, request: Request) -> Attack:
    sent = bytes(request._replace(lines=[]))[:60]
    return Attack([sent[i : i + 1] for i in range(len(sent))], _gone(random))


def _gone(random: Random) -> End:
    return random.choice(GONE)


KINDS: list[Callable[[Random, Request], Attack]] = [
    *(_noise, _other_protocols, _cut, _huge_header, _many_headers, _wrong_length),
    *(_folded_or_odd_header, _chunks, _both_framings, _byte_by_byte),
]


def attack(random: Random, request: Request) -> Attack:
    """A random attack made of the request. Not HEAD: each reply must have a body."""
    if request.method == "HEAD":
        request = request._replace(method="GET")
    return random.choice(KINDS)(random, request)
