"""The functions under fuzzing, and their invariants.

A target takes bytes and returns when all is well: what was given is refused as a
problem, or means what a reader of another make, Python's own, says that it means.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import math
import re
import time
import unicodedata
from codecs import BOM_UTF8
from collections.abc import Callable, Coroutine, Iterable, Mapping
from json.decoder import py_scanstring  # type: ignore[attr-defined]
from json.scanner import py_make_scanner  # type: ignore[attr-defined]
from typing import Any, TypeVar
from urllib.parse import quote

from service.api.parsing.access_tokens import parse_access_token, parse_token_id
from service.api.parsing.account_bodies import (
    parse_credentials,
    parse_nothing,
    parse_password,
    parse_password_change,
)
from service.api.parsing.administration import (
    parse_account_change,
    parse_end_tokens,
    parse_new_account,
)
from service.api.parsing.batch_bodies import (
    parse_delete,
    parse_increment,
    parse_list,
    parse_read,
    parse_write,
)
from service.api.parsing.import_lines import Entry, ImportLines
from service.api.parsing.keys import parse_key
from service.api.parsing.queries import (
    parse_account_query,
    parse_accounts_query,
    parse_changes_query,
    parse_export_query,
    parse_history_query,
    parse_import_query,
    parse_key_query,
    parse_put_query,
    refuse_query,
)
from service.api.parsing.values import parse_value
from service.auth.access_tokens import FORM, hash_of, is_access_token
from service.auth.credentials import check_credentials
from service.auth.signer import key_id
from service.auth.tokens import Tokens
from service.errors import Forbidden, InvalidJSON, NotFound, Problem
from service.json_text import object_of
from service.model import Caller, Grant
from service.settings import MAX_GRANTS, Settings
from service.web.problems import response_to
from tests.support.identified import REQUEST

Target = Callable[[bytes], None]
Parser = Callable[[bytes], Any]
T = TypeVar("T")

#: Small, so that short inputs get to them.
LIMITS = Settings.from_env(
    {"KV_MAX_KEYS": "5", "KV_MAX_KEY": "12", "KV_MAX_VALUE": "40"}
)

SECRET = "a signing secret for the fuzzer, long enough"
PREVIOUS = "the secret that was there before it, as long"
FOREIGN_SECRET = "a secret that is none of the service's own"
VERIFIER = Tokens(SECRET, 3600, PREVIOUS)

#: What a body or a query that is refused may be answered with.
REFUSALS = {400, 413}

#: Characters: a detail quotes what a client sent, but cut to a length of ours.
MAX_DETAIL = 500

#: JSON that the service does not take, and says so.
BEYOND_THE_PARSER = "nested too deeply|out of range"

WHITE_SPACE = b" \t\r\n"


def _write(body: bytes) -> None:
    batch = parse_write(body, LIMITS)
    read = _members(body)
    _check_keys([*batch.keys, *batch.deleted])
    written = read.get("data") or {}
    assert batch.keys == list(written)
    assert batch.deleted == list(dict.fromkeys(read.get("delete") or []))
    for key, text in zip(batch.keys, batch.values, strict=True):
        assert len(text.encode()) <= LIMITS.max_value
        assert text.encode() in body
        assert _read(text.encode()) == written[key]
    _check_conditions(batch.conditions, read)
    _check_ttl(batch.ttl, read.get("ttl"))
    ttls = read.get("ttls") or {}
    assert ttls.keys() <= set(batch.keys)
    assert len(batch.ttls) == (len(batch.keys) if ttls else 0)
    for key, ttl in zip(batch.keys, batch.ttls, strict=False):
        _check_ttl(ttl, ttls.get(key, read.get("ttl")))
    # what is stored and spliced into replies is what a client would write again
    data = object_of(zip(batch.keys, batch.values, strict=True))
    deleted = json.dumps(batch.deleted)
    again = parse_write(f'{{"data":{data},"delete":{deleted}}}'.encode(), LIMITS)
    assert (again.keys, again.values) == (batch.keys, batch.values)
    assert again.deleted == batch.deleted


def _check_ttl(ttl: float | None, read: Any) -> None:
    if read is None:
        assert ttl is None
    else:
        assert ttl is not None
        assert 0 < ttl == float(read.text)
        assert math.isfinite(ttl)


def _reading(body: bytes) -> None:
    reading = parse_read(body, LIMITS)
    _check_keys(reading.keys)
    assert reading.keys == list(dict.fromkeys(_members(body)["keys"]))


def _deletion(body: bytes) -> None:
    deletion = parse_delete(body, LIMITS)
    _check_keys(deletion.keys)
    read = _members(body)
    assert deletion.keys == list(dict.fromkeys(read["keys"]))
    _check_conditions(deletion.conditions, read)


def _page(body: bytes) -> None:
    page = parse_list(body, LIMITS).page
    read = _members(body)
    assert 1 <= page.limit <= LIMITS.max_keys
    assert read.get("limit") in (None, page.limit)
    assert page.prefix == read.get("prefix", "")
    assert page.after == read.get("after")
    assert page.delimiter == read.get("delimiter")
    assert page.with_values == read.get("values", False)
    assert page.with_details == read.get("details", False)
    for text in (page.prefix, page.after or "", page.delimiter or ""):
        assert len(text.encode()) <= LIMITS.max_key
    assert page.delimiter != ""


def _increment(body: bytes) -> None:
    deltas = parse_increment(body, LIMITS)
    _check_keys(list(deltas))
    assert list(deltas.items()) == list(_members(body)["data"].items())
    assert all(-(2**63) <= delta < 2**63 for delta in deltas.values())


def value(body: bytes, parse: Callable[[bytes, Settings], str] = parse_value) -> None:
    text = parse(body, LIMITS)
    assert text.encode() == body.removeprefix(BOM_UTF8).strip(WHITE_SPACE)
    assert len(text.encode()) <= LIMITS.max_value
    _read(body)


def _credentials(body: bytes) -> None:
    username, password = parse_credentials(body)
    read = _members(body)
    assert username == unicodedata.normalize("NFC", read["username"])
    assert username.isprintable()
    assert 1 <= len(username) <= 64
    assert password == read["password"]
    assert 1 <= len(password.encode()) <= 1024
    assert check_credentials(username, password) == (username, password)


def _new_account(body: bytes) -> None:
    given = parse_new_account(body, LIMITS)
    read = _members(body)
    username, password = given.credentials
    assert username == unicodedata.normalize("NFC", read["username"]).strip()
    assert check_credentials(username, password) == (username, password)
    assert password == read["password"]
    assert given.administrator == read.get("administrator", False)
    _check_grants(given.grants, read.get("grants"))


def _account_change(body: bytes) -> None:
    change = parse_account_change(body, LIMITS)
    read = _members(body)
    assert change.changes.password_hash is None
    assert change.changes.disabled == read.get("disabled")
    assert change.changes.administrator == read.get("administrator")
    _check_grants(change.changes.grants, read.get("grants"))
    assert change.password == read.get("password")
    assert change.password is None or 1 <= len(change.password.encode()) <= 1024
    assert change.keeps_access_tokens == read.get("keep_access_tokens", False)


def _end_tokens(body: bytes) -> None:
    keep = parse_end_tokens(body)
    assert keep == (body != b"" and _members(body).get("keep_access_tokens", False))


def _access_token(body: bytes) -> None:
    password, new = parse_access_token(body, LIMITS)
    read = _members(body)
    assert password == read["password"]
    assert 1 <= len(password.encode()) <= 1024
    assert new.name == unicodedata.normalize("NFC", read["name"]).strip()
    assert 1 <= len(new.name) <= 64
    assert new.name.isprintable()
    _check_grants(new.grants, read.get("grants"))
    assert new.ttl is None or 1 <= new.ttl < 2**31
    if new.ttl is None:
        assert read.get("expires_in") is None
    else:
        assert read["expires_in"] == new.ttl


def _check_grants(grants: list[Grant] | None, read: Any) -> None:
    if grants is None:
        assert read is None
        return
    assert len(grants) <= MAX_GRANTS
    assert [{"prefix": each.prefix, "rights": each.rights} for each in grants] == read
    for each in grants:
        assert len(each.prefix.encode()) <= LIMITS.max_key
        assert each.rights in ("r", "w", "rw")


def _token_id(path: bytes) -> None:
    text = path.decode("utf-8", "surrogateescape")
    try:
        token_id = parse_token_id(text)
    except NotFound as refused:
        response_to(REQUEST, refused)
        assert not re.fullmatch("0|[1-9][0-9]{0,17}", text)
        return
    assert 0 <= token_id < 2**63
    assert str(token_id) == text


def _password(body: bytes) -> None:
    assert 1 <= len(parse_password(body).encode()) <= 1024


def _password_change(body: bytes) -> None:
    change = parse_password_change(body)
    read = _members(body)
    assert (change.old, change.new) == (read["password"], read["new_password"])
    assert change.keeps_access_tokens == read.get("keep_access_tokens", False)


def _nothing(body: bytes) -> None:
    parse_nothing(body)
    assert body == b"" or _members(body) == {}


def _key(path: bytes) -> None:
    key = parse_key(path.decode("utf-8", "surrogateescape"), LIMITS)
    _check_keys([key])
    assert parse_key(quote(key, safe=""), LIMITS) == key


def _changes_query(sent: bytes) -> None:
    query, newline, event_id = sent.decode("utf-8", "surrogateescape").partition("\n")
    following = parse_changes_query(query, event_id if newline else None, LIMITS)
    if newline:
        assert following.since == int(event_id)
    assert following.since is None or 0 <= following.since < 2**63
    assert len(following.prefix.encode()) <= LIMITS.max_key
    assert 0 <= following.wait <= 60


def _put_query(query: bytes) -> None:
    ttl = parse_put_query(query.decode("utf-8", "surrogateescape"))
    assert ttl is None or 0 < ttl < math.inf


def _account_query(query: bytes) -> None:
    username = parse_account_query(query.decode("utf-8", "surrogateescape"))
    assert len(username) <= 64
    assert username.isprintable()
    assert parse_account_query(f"username={quote(username, safe='')}") == username


def _accounts_query(query: bytes) -> None:
    page = parse_accounts_query(query.decode("utf-8", "surrogateescape"))
    assert 1 <= page.limit <= 1000
    assert len(page.prefix) <= 64
    assert len(page.after or "") <= 64
    again = f"prefix={quote(page.prefix, safe='')}&limit={page.limit}"
    if page.after is not None:
        again += f"&after={quote(page.after, safe='')}"
    assert parse_accounts_query(again) == page


def _history_query(query: bytes) -> None:
    history = parse_history_query(query.decode("utf-8", "surrogateescape"), LIMITS)
    _check_keys([history.key])
    assert history.before is None or 1 <= history.before < 2**63
    assert 1 <= history.limit <= LIMITS.max_keys
    again = f"key={quote(history.key, safe='')}&limit={history.limit}"
    if history.before is not None:
        again += f"&before={history.before}"
    assert parse_history_query(again, LIMITS) == history


def _key_query(query: bytes) -> None:
    given = parse_key_query(query.decode("utf-8", "surrogateescape"))
    assert given.revision is None or 0 <= given.revision < 2**63
    assert not (given.is_stale and given.revision is not None)


def _export_query(query: bytes) -> None:
    prefix = parse_export_query(query.decode("utf-8", "surrogateescape"), LIMITS)
    assert len(prefix.encode()) <= LIMITS.max_key
    assert parse_export_query(f"prefix={quote(prefix, safe='')}", LIMITS) == prefix


def _import_query(query: bytes) -> None:
    given = parse_import_query(query.decode("utf-8", "surrogateescape"))
    assert given.mode in ("overwrite", "create", "skip")
    assert given.since is None or 0 <= given.since < 2**63


def _no_query(query: bytes) -> None:
    refuse_query(query.decode("utf-8", "surrogateescape"))
    assert not query.strip(b"&")


#: By the first byte of the input: what is left of it is a body, a query or a path.
PARSERS: dict[bytes, Parser] = {
    b"w": _write,
    b"r": _reading,
    b"d": _deletion,
    b"l": _page,
    b"i": _increment,
    b"v": value,
    b"c": _credentials,
    b"p": _password,
    b"n": _password_change,
    b"a": _new_account,
    b"C": _account_change,
    b"E": _end_tokens,
    b"T": _access_token,
    b"#": _token_id,
    b"0": _nothing,
    b"k": _key,
    b"q": _changes_query,
    b"t": _put_query,
    b"A": _account_query,
    b"L": _accounts_query,
    b"h": _history_query,
    b"g": _key_query,
    b"x": _export_query,
    b"m": _import_query,
    b"-": _no_query,
}


def body(data: bytes, parsers: Mapping[bytes, Parser] = PARSERS) -> None:
    parser = parsers.get(data[:1])
    if parser is None:
        return
    with contextlib.suppress(TooDeep):
        try:
            parser(data[1:])
        except Problem as problem:
            _check_refusal(problem, data[1:])


def _check_refusal(problem: Problem, sent: bytes) -> None:
    assert problem.status in REFUSALS
    assert 0 < len(str(problem)) <= MAX_DETAIL
    response_to(
        REQUEST, problem
    )  # what a client sent may be in it, and must have an encoding
    if isinstance(problem, InvalidJSON):
        assert not _is_json(sent) or re.search(BEYOND_THE_PARSER, str(problem))


def token(data: bytes, verifier: Tokens = VERIFIER) -> None:
    """The header `Authorization`, or a token's own header and claims, to be signed."""
    kind, rest = data[:1], data[1:]
    match kind:
        case b"r":
            presented = rest.decode("utf-8", "surrogateescape")
        case b"s":
            presented = f"Bearer {_signed(rest, SECRET)}"
        case b"p":
            presented = f"Bearer {_signed(rest, PREVIOUS)}"
        case b"x":
            presented = f"Bearer {_signed(rest, FOREIGN_SECRET)}"
        case _:
            return
    try:
        caller, expires_at = _finished(verifier.verify(presented))
    except Forbidden as refused:
        response_to(REQUEST, refused)
        return
    assert kind != b"x"
    sent = presented.partition(" ")[2].strip(" ")
    if is_access_token(caller):
        assert FORM.fullmatch(sent)
        assert (caller, expires_at) == (Caller("", hash_of(sent)), math.inf)
    else:
        _check_admitted(sent, caller, expires_at)


def _check_admitted(token: str, caller: Caller, expires_at: float) -> None:
    """It is signed with a secret of ours, under that secret's own name, and says so."""
    header, claims, signature = token.split(".")
    named = json.loads(_decoded(header))
    secret = {key_id(s): s for s in (SECRET, PREVIOUS)}[
        named.get("kid", key_id(SECRET))
    ]
    digest = hmac.new(secret.encode(), f"{header}.{claims}".encode(), hashlib.sha256)
    assert _decoded(signature) == digest.digest()
    assert named["alg"] == "HS256"
    payload = json.loads(_decoded(claims))
    username, version = caller
    assert (username, version) == (payload["sub"], payload["ver"])
    assert username.isprintable()
    assert isinstance(version, int)
    assert 0 <= version < 2**63
    assert int(payload["exp"]) == expires_at > time.time()


def _signed(parts: bytes, secret: str) -> str:
    header, _, claims = parts.partition(b"\n")
    signed = b".".join(
        base64.urlsafe_b64encode(p).rstrip(b"=") for p in (header, claims)
    )
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return f"{signed.decode()}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _finished(verifying: Coroutine[Any, Any, T]) -> T:
    """It never waits, so that it requires no event loop."""
    try:
        verifying.send(None)
    except StopIteration as done:
        returned: T = done.value
        return returned
    raise AssertionError("it waits")


#: The beginning of the detail of a refused line.
LINE = re.compile(r"Line ([0-9]+)")


def lines(data: bytes, parser: Callable[[Settings], ImportLines] = ImportLines) -> None:
    """The lines of an import; the first byte is the size of the pieces."""
    step, body = max(1, data[0] if data else 1), data[1:]
    pieces = [body[i : i + step] for i in range(0, len(body), step)]
    given, refused = _parsed(parser(LIMITS), pieces)
    whole = _parsed(parser(LIMITS), [body])
    assert (given, str(refused)) == (whole[0], str(whole[1]))
    sent = [line.removesuffix(b"\r") for line in body.split(b"\n")]
    sent[0] = sent[0].removeprefix(BOM_UTF8)
    if refused is not None:
        _check_line_refusal(refused, len(sent))
    with contextlib.suppress(TooDeep):
        for entry in given:
            _check_entry(entry, sent[entry.line - 1])
        if refused is None:
            _check_file(given, sent)


def is_import(body: bytes) -> bool:
    """Whether the lines are accepted."""
    return _parsed(ImportLines(LIMITS), [body])[1] is None


def _parsed(
    parser: ImportLines, pieces: Iterable[bytes]
) -> tuple[list[Entry], Problem | None]:
    """The entries until the first problem, and that."""
    found: list[Entry] = []
    try:
        for piece in pieces:
            found.extend(iter(parser.feed(piece)))
        found.extend(parser.finish())
        parser.check_complete()
    except Problem as problem:
        return found, problem
    return found, None


def _check_line_refusal(problem: Problem, count: int) -> None:
    assert problem.status in REFUSALS
    assert 0 < len(str(problem)) <= MAX_DETAIL
    response_to(REQUEST, problem)
    named = LINE.match(str(problem))
    assert named is not None
    number = int(named[1])
    assert number == problem.progress["line"]
    assert 1 <= number <= count


def _check_entry(entry: Entry, line: bytes) -> None:
    _check_keys([entry.key])
    read = _members(line)
    assert read["key"] == entry.key
    expires_at = read.get("expires_at")
    assert entry.expires_at == expires_at or expires_at == entry.expires_at
    if entry.value is None:
        assert read["deleted"] is True
        assert not {"value", "text"} & read.keys()
        return
    assert "deleted" not in read
    assert len(entry.value.encode()) <= LIMITS.max_value
    if "text" in read:
        text = read["text"].encode().removeprefix(BOM_UTF8).strip(WHITE_SPACE)
        assert entry.value.encode() == text
        _read(text)
    else:
        assert entry.value.encode() in line
        assert _read(entry.value.encode()) == read["value"]


def _check_file(given: list[Entry], sent: list[bytes]) -> None:
    """What a file is whose lines are accepted, and all of its lines are read."""
    numbers = {entry.line for entry in given}
    others = {
        number: _members(line)
        for number, line in enumerate(sent, 1)
        if number not in numbers and line.strip()
    }
    is_export = "kv_export" in others.get(1, {})
    ends = [number for number, read in others.items() if "end" in read]
    assert len(others) == is_export + len(ends)
    assert len(ends) <= 1
    if is_export:
        (end,) = ends
        before = b"".join(line + b"\n" for line in sent[: end - 1])
        assert others[end]["sha256"].lower() == hashlib.sha256(before).hexdigest()
        assert others[end]["keys"].text
        assert max(numbers, default=1) < end


class Number:
    """A number as a text: equal to another with that text, or to what it stands for."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Number):
            return self.text == other.text
        is_integer = self.text.lstrip("-").isdigit()
        return (int(self.text) if is_integer else float(self.text)) == other

    __hash__ = None  # type: ignore[assignment]


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


class TooDeep(Exception):
    """The other parser cannot decide: it takes less nesting than the service."""


class Watched(json.JSONDecoder):
    """Python's reader of JSON as it is written in Python: the fuzzer sees its steps."""

    def __init__(self) -> None:
        super().__init__(parse_constant=_refuse_constant)
        self.parse_string = py_scanstring
        self.scan_once = py_make_scanner(self)


WATCHED = Watched()


def _read(text: bytes) -> Any:
    """A value, read by another reader; its numbers as texts.

    :raises ValueError: it is not JSON
    :raises TooDeep:
    """
    document = text.removeprefix(BOM_UTF8).decode()
    try:
        WATCHED.decode(document)
        # the one in C is stricter, and right
        return json.loads(
            document,
            parse_int=Number,
            parse_float=Number,
            parse_constant=_refuse_constant,
        )
    except RecursionError:
        raise TooDeep from None


def _is_json(text: bytes) -> bool:
    try:
        json.dumps(_read(text), ensure_ascii=False, default=vars).encode()
    except ValueError:  # in a text with half of a surrogate pair, too
        return False
    return True


def _members(body: bytes) -> dict[str, Any]:
    read = _read(body)
    assert isinstance(read, dict)
    return read


def _check_keys(keys: list[str]) -> None:
    assert 1 <= len(keys) <= LIMITS.max_keys
    assert len(set(keys)) == len(keys)
    assert all(1 <= len(key.encode()) <= LIMITS.max_key for key in keys)


def _check_conditions(conditions: list[Any], read: dict[str, Any]) -> None:
    wanted = read.get("if") or {}
    found = {key: revisions[0] for key, revisions, among in conditions if among}
    assert list(found) == list(wanted)
    for key, revision in found.items():
        assert wanted[key] == revision
        assert revision is None or 1 <= revision < 2**63
