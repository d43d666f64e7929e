"""Random requests to every route, as faulty and malicious clients send them.

They are made up from the routes and their examples, so that a new route has its share.
All choices are a `Random`'s: a seed makes the same requests again.
"""

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

from service.api import accounts
from service.api.routes import Route

#: Those that may end the token they come with.
ENDING = {accounts.logout, accounts.change_password, accounts.delete}

#: A store that only these are written to does not grow.
KEYS = [
    "k",
    "key1",
    "key2",
    "visits",
    "config/colour",
    "a/1",
    "a/2",
    "é",
    "😀",
    "\0",
    " ",
]

#: So that accounts and outcomes that are kept for a retry do not grow either.
NAMES = ["alice", "bob", "Zoe\u0301", "x" * 64, "x" * 65, "a\n", ""]
RETRY_KEYS = ["1", "2", "3", '"q"', "x" * 255]

ODD_VALUES = [
    *("null", "true", "0", "-0", "1.0", "1e400", "0.5", "NaN", "-1", "[]", "{}", '""'),
    *("9223372036854775807", "9223372036854775808", "9007199254740993.0", "9" * 400),
    *(r'"\ud800"', r'"\u0000"', '"é"', '"\x01"', "[[[[1]]]]", '{"a":{"a":null}}', "x"),
    *("[" * 3000 + "]" * 3000, '"' + "x" * 2000 + '"', "[1,]", "'x'", ""),
]
ODD_MEMBERS = [
    "data",
    "keys",
    "if",
    "ttl",
    "ttls",
    "delete",
    "limit",
    "grants",
    "disabled",
    "administrator",
    "values",
    "tll",
    "",
    "é",
    "a" * 300,
]
FRAGMENTS = [
    *(b'{"data":', b'{"keys":[', b'"', b"\\", b"\\ud800", b"{", b"}", b"[", b"]", b","),
    *(b":", b"null", b"1e999", b"\0", b"\xff", b"\xed\xa0\x80", b"\xef\xbb\xbf", b" "),
]
ODD_PATHS = [
    *("/", "//", "/api", "/api/", "/api/keys/", "/api/keys", "/docs/../api/me", "/%00"),
    *("/api/keys/%", "/api/keys/%zz", "/api/keys/%ff", "/api/keys/..", "/api/keys/a#b"),
    *("/api/keys/" + "x" * 1025, "/api/nothing", "/API/READ", "/docs/..%2fserver", "*"),
    *("http://kv/livez", "/livez;a=b", "/api/keys/a/b/c?x", "/api/keys/\xff", "/\x7f"),
]
ODD_QUERIES = [
    *("x=1", "ttl=1", "ttl=0", "ttl=nan", "ttl=1e400", "ttl=60&ttl=60", "=", "&&", "?"),
    *(
        "since=0",
        "since=-1",
        "since=99999999999999999999",
        "since=1&prefix=a%2F&wait=0",
    ),
    *(
        "key=k",
        "key=a%2F1&before=9&limit=1",
        "revision=1",
        "revision=1&stale",
        "prefix=%ff",
        "prefix=%",
        "wait=61",
        "wait=x",
        "a" * 500,
        "since=\xff",
        "wait=0.01",
        "ticket=a.b.c",
        "ticket=&ticket=",
        "username=alice",
        "username=bob",
        "username=",
        "prefix=a&after=a&limit=1",
    ),
]
#: Lines that may come with any request and leave its length alone.
ODD_HEADERS = [
    *('If-Match: "1"', "If-Match: *", "If-Match: x", 'If-None-Match: "1", W/"2"'),
    *("If-None-Match: *", "If-None-Match: ,", 'If-Match: "' + "a" * 500, "If-Match: "),
    *("Idempotency-Key: ", "Idempotency-Key: a b", "Idempotency-Key: \xff"),
    *("Last-Event-ID: 1", "Last-Event-ID: x", "Last-Event-ID: 99999999999999999999"),
    *("Content-Type: text/plain", "Content-Type: \xff", "Content-Type: a; charset=zz"),
    *("Content-Encoding: gzip", "Content-Encoding: br", "Content-Encoding: x"),
    *("Range: bytes=0-1", "Range: bytes=-", "Accept-Encoding: gzip", "Accept: \xff"),
    *("Cookie: a=b; \xff", "X-Forwarded-For: ::1, \xff", "Upgrade: websocket"),
    *("Expect: 100-continue", "Expect: \xff", "Date: x", "Referer: " + "x" * 4000),
    *("If-Modified-Since: x", "If-Range: x", "Origin: null", "Te: trailers", "X: "),
    *("Origin: \xff", "Access-Control-Request-Method: PUT"),
]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PURGE"]
ODD_TOKENS = [
    "",
    "Bearer",
    "Bearer ",
    "Bearer a.b.c",
    "Basic dTpw",
    "Bearer \xff.\xff.x",
]

#: The share of requests that are valid for the route, in one respect or another.
MOSTLY = 0.85


class Request(NamedTuple):
    """:ivar ending: whether it may end its token
    :ivar endless: whether its reply may be a stream of events
    """

    method: str
    target: str
    lines: list[str]
    body: bytes
    ending: bool = False
    endless: bool = False

    def __bytes__(self) -> bytes:
        return head(self.method, self.target, self.lines, len(self.body)) + self.body


def head(method: str, target: str, lines: Sequence[str], length: int | None) -> bytes:
    """:param length: of the body; None: the lines say how it is framed"""
    framing = [f"Content-Length: {length}"] if length else []
    text = [f"{method} {target} HTTP/1.1", "Host: kv", *lines, *framing, "", ""]
    # a letter up to \xff is that byte, so that any bytes can be said
    return "\r\n".join(text).encode("latin-1")


class Tokens(NamedTuple):
    """:ivar lasting: of accounts that nothing happens to
    :ivar ending: of an account whose token may be ended
    """

    lasting: Sequence[str]
    ending: str


def request(random: Random, route: Route, tokens: Tokens) -> Request:
    ending = route.handler in ENDING
    endless = route.path == "/api/changes" and random.random() < 0.2
    lines = _headers(random, tokens.ending if ending else random.choice(tokens.lasting))
    if endless:
        lines.append("Accept: text/event-stream")
    example = route.operation.example if route.operation is not None else None
    body = _body(random, example)
    return Request(
        method=_mostly(random, route.method, METHODS),
        target=_target(random, route.path),
        lines=lines,
        body=body,
        ending=ending,
        endless=endless,
    )


def _mostly(random: Random, wanted: str, others: Sequence[str]) -> str:
    return wanted if random.random() < MOSTLY else random.choice(others)


def _target(random: Random, path: str) -> str:
    template, brace, _ = path.partition("{")
    if brace:
        path = template + quote(random.choice(KEYS), safe="")
    target = _mostly(random, path, ODD_PATHS)
    queried = ("/api/keys", "/api/changes", "/api/admin", "/api/history")
    likely = 0.3 if path.startswith(queried) else 0.1
    if random.random() < likely:
        target += "?" + random.choice(ODD_QUERIES)
    return target


def _headers(random: Random, token: str) -> list[str]:
    lines = random.sample(ODD_HEADERS, random.choice([0, 0, 0, 0, 1, 2]))
    if random.random() < 0.2:
        lines.append(f"Idempotency-Key: {random.choice(RETRY_KEYS)}")
    authorization = _mostly(
        random, f"Bearer {token}", [*ODD_TOKENS, f"Bearer {token}x"]
    )
    if authorization:
        lines.append(f"Authorization: {authorization}")
    return lines


def _body(random: Random, example: Any) -> bytes:
    if random.random() < 0.05:
        return random.randbytes(random.randrange(200))
    if example is None:
        return b"" if random.random() < MOSTLY else _odd_value(random)
    members = (
        [
            (name, json.dumps(_with_other_names(random, value)))
            for name, value in example.items()
        ]
        if isinstance(example, dict)
        else []
    )
    for change in random.choices(CHANGES, k=random.choice([0, 0, 1, 1, 2])):
        change(random, members)
    body = _object(members) if members else json.dumps(example).encode()
    return _garbled(random, body) if random.random() < 0.1 else body


def _with_other_names(random: Random, value: Any) -> Any:
    """Keys and names of ours in the place of those of the example."""
    match value:
        case dict():
            return {random.choice(KEYS): inner for inner in value.values()}
        case list():
            return [random.choice(KEYS) for _ in value]
        case "alice" | "dave":
            return random.choice(NAMES)
    return value


Members = list[tuple[str, str]]


def _replace(random: Random, members: Members) -> None:
    if members:
        place = random.randrange(len(members))
        members[place] = members[place][0], _odd_value(random).decode()


def _add(random: Random, members: Members) -> None:
    members.append((random.choice(ODD_MEMBERS), _odd_value(random).decode()))


def _drop(random: Random, members: Members) -> None:
    if members:
        members.pop(random.randrange(len(members)))


def _add_an_odd_key(random: Random, members: Members) -> None:
    key = json.dumps(random.choice([*KEYS, "", "x" * 1025]))
    members.append(("data", f"{{{key}:{_odd_value(random).decode()}}}"))


CHANGES: Sequence[Callable[[Random, Members], None]] = (
    *(_replace, _add, _drop, _add_an_odd_key),
)


def _object(members: Members) -> bytes:
    inner = ",".join(f"{json.dumps(name)}:{text}" for name, text in members)
    return f"{{{inner}}}".encode()


def _odd_value(random: Random) -> bytes:
    return random.choice(ODD_VALUES).encode()


def _garbled(random: Random, body: bytes) -> bytes:
    place = random.randrange(len(body) + 1)
    end = min(len(body), place + random.randrange(4))
    return body[:place] + random.choice(FRAGMENTS) + body[end:]
