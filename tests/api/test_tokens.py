"""Every invalid token is refused with 403 and its reason."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.auth.signer import key_id
from tests.support.assertions import assert_problem
from tests.support.client import Client, Reply, unique
from tests.support.raw_http import http, talk
from tests.support.service import JWT_SECRET, Serve
from tests.support.tarantool import Tarantool

HOUR = 3600
HEADER = {"alg": "HS256", "typ": "JWT"}
BODY = b'{"keys":["k"]}'
NEW_SECRET = "the secret that comes after it, as long"

#: A good token takes the place of `{}`.
BAD_HEADERS = {
    "empty-scheme": " {}",
    "scheme-alone": "Bearer",
    "scheme-and-space": "Bearer ",
    "token-alone": "{}",
    "Basic": "Basic {}",
    "Basic-pair": "Basic dTpw",
    "BearerX": "BearerX {}",
    "Bearers": "Bearers {}",
    "XBearer": "XBearer {}",
    "colon": "Bearer: {}",
    "tab": "Bearer\t{}",
    "word-behind": "Bearer {} x",
    "two-tokens": "Bearer {} {}",
    "list-of-tokens": "Bearer {},Bearer {}",
    "space-and-junk": "Bearer  {} ;",
    "quoted": 'Bearer "{}"',
    "part-behind": "Bearer {}.x",
    "letter-behind": "Bearer {}A",
    "not-a-JWT": "Bearer token",
    "dots": "Bearer ..",
    "one-dot": "Bearer a.b",
    "not-base64": "Bearer !.!.!",
    "five-parts": "Bearer a.b.c.d.e",
    "huge": "Bearer " + "a" * 8000,
    "huge-dotted": "Bearer " + "a." * 4000,
    "null": "Bearer null",
}
BAD_JWT_HEADERS: dict[str, Any] = {
    "alg-none": {"alg": "none"},
    "alg-None": {"alg": "None"},
    "alg-HS384": {"alg": "HS384"},
    "alg-HS512": {"alg": "HS512"},
    "alg-RS256": {"alg": "RS256"},
    "alg-ES256": {"alg": "ES256"},
    "alg-hs256": {"alg": "hs256"},
    "alg-empty": {"alg": ""},
    "alg-list": {"alg": ["HS256"]},
    "alg-null": {"alg": None},
    "alg-number": {"alg": 256},
    "alg-object": {"alg": {"HS256": 1}},
    "alg-true": {"alg": True},
    "no-alg": {"typ": "JWT"},
    "crit-CR-LF": HEADER | {"crit": ["x\r\nSet-Cookie: a=b"]},
    "crit-unknown": HEADER | {"crit": ["exp"]},
    "crit-empty": HEADER | {"crit": []},
    "crit-string": HEADER | {"crit": "b64"},
    "crit-number": HEADER | {"crit": 1},
    "crit-null": HEADER | {"crit": None},
    "crit-object": HEADER | {"crit": {"b64": 1}},
    "crit-of-lists": HEADER | {"crit": [["b64"]]},
    "crit-of-numbers": HEADER | {"crit": [1]},
    "crit-of-surrogates": HEADER | {"crit": ["\ud800"]},
    "b64-false": HEADER | {"crit": ["b64"], "b64": False},
    "b64-false-alone": HEADER | {"b64": False},
    "kid-number": HEADER | {"kid": 1},
    "kid-list": HEADER | {"kid": ["a"]},
    "kid-null": HEADER | {"kid": None},
    "list": [HEADER],
    "string": "HS256",
    "number": 1,
    "null": None,
    "not-JSON": b"{",
    "empty": b"",
    "not-UTF-8": b'{"alg":"HS256","x":"\xff"}',
    "nested": b'{"alg":"HS256","x":' + b"[" * 2500 + b"]" * 2500 + b"}",
    "unclosed": b"[" * 5000,
}

#: Changes of a good token's claims; None takes the claim out.
BAD_CLAIMS: dict[str, dict[str, Any]] = {
    "no-exp": {"exp": None},
    "exp-word": {"exp": "tomorrow"},
    "exp-string": {"exp": "99999999999"},
    "exp-float": {"exp": 99999999999.5},
    "exp-huge-float": {"exp": 1e300},
    "exp-Infinity": {"exp": float("inf")},
    "exp-NaN": {"exp": float("nan")},
    "exp-list": {"exp": [99999999999]},
    "exp-object": {"exp": {}},
    "nbf-in-the-future": {"nbf": 99999999999},
    "nbf-word": {"nbf": "now"},
    "iat-in-the-future": {"iat": 99999999999},
    "iat-word": {"iat": "now"},
    "no-sub": {"sub": None},
    "sub-number": {"sub": 1},
    "sub-list": {"sub": ["user"]},
    "sub-object": {"sub": {}},
    "sub-true": {"sub": True},
    "sub-surrogate": {"sub": "\ud800"},
    "no-ver": {"ver": None},
    "ver-true": {"ver": True},
    "ver-string": {"ver": "1"},
    "ver-float": {"ver": 1.0},
    "ver-list": {"ver": [1]},
    "ver-64-bits-and-more": {"ver": 2**64},
    "ver-huge": {"ver": 10**30},
    "ver-negative": {"ver": -1},
    "ver-very-negative": {"ver": -(10**30)},
    "aud": {"aud": "another service"},
    "surrogate-as-a-name": {"\ud800": 1},
}
EXPIRED = {
    "a-second-ago": int(time.time()) - 1,
    "0": 0,
    "negative": -1,
    "very-negative": -(10**30),
}
REVOKED: dict[str, dict[str, Any]] = {
    "unknown-user": {"sub": unique("nobody")},
    "empty-sub": {"sub": ""},
    "long-sub": {"sub": "x" * 4000},
    "later-ver": {"ver": 2**40},
    "ver-0": {"ver": 0},
    "ver-of-63-bits": {"ver": 2**63 - 1},
}

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=5,
)
HEADER_MEMBERS = st.dictionaries(
    st.sampled_from(["alg", "crit", "kid", "b64", "typ", "jwk", "x"]), JSON
)
CLAIMS = st.dictionaries(
    st.sampled_from(["exp", "nbf", "iat", "sub", "ver", "aud", "iss", "jti"]), JSON
)


@pytest.fixture(scope="module")
async def caller(service: Client) -> Client:
    """One account for all tests that do not change it."""
    return await Client(service.session, service.url).enter()


def claims_of(client: Client) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(
        client.token or "", JWT_SECRET, algorithms=["HS256"]
    )
    return claims


def forged(header: Any, claims: Any, secret: str = JWT_SECRET) -> str:
    """A token with a right signature over anything."""
    signed = b".".join(_part(part) for part in (header, claims))
    digest = hmac.new(secret.encode(), signed, hashlib.sha256).digest()
    return (signed + b"." + _part(digest)).decode()


def changed(client: Client, changes: dict[str, Any]) -> str:
    claims = claims_of(client) | changes
    return forged(HEADER, {k: v for k, v in claims.items() if v is not None})


def _part(content: Any) -> bytes:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=")


async def present(client: Client, authorization: str) -> Reply:
    headers = {"Authorization": authorization}
    return await client.post("/api/read", BODY, headers=headers)


async def test_a_token_forged_like_the_services_own_is_good(caller: Client) -> None:
    """The control of all the tests below."""
    assert (await present(caller, f"Bearer {changed(caller, {})}")).status == 200


@pytest.mark.parametrize("path", ["/api/read", "/api/write"])
async def test_no_header(visitor: Client, path: str) -> None:
    assert_problem(await visitor.post(path, BODY), 403, "token_missing")


@pytest.mark.parametrize("value", ["", " "], ids=["empty", "space"])
async def test_an_empty_header(visitor: Client, value: str) -> None:
    assert_problem(await present(visitor, value), 403, "token_missing")


@pytest.mark.parametrize("pattern", BAD_HEADERS.values(), ids=BAD_HEADERS.keys())
async def test_a_bad_header(caller: Client, pattern: str) -> None:
    value = pattern.replace("{}", caller.token or "")
    assert_problem(await present(caller, value), 403, "token_invalid")


async def test_the_scheme_may_be_followed_by_several_spaces(caller: Client) -> None:
    # RFC 9110, section 11.4: 1*SP
    assert (await present(caller, f"Bearer   {caller.token}")).status == 200


@pytest.mark.parametrize(
    "value",
    [
        b"\xff",
        b"Bearer \xff\xfe",
        b"Bearer \xff.\xff.\xff",
        b"Bearer \xed\xa0\x80.a.b",
        "Bearer é.é.é".encode(),
        b"\xc3\xa9 a.b.c",
    ],
    ids=ascii,
)
async def test_bytes_in_the_header(visitor: Client, value: bytes) -> None:
    request = http("POST", "/api/read", b"Authorization: " + value, body=BODY)
    assert_problem(await talk(visitor, request), 403, "token_invalid")


async def test_bytes_around_a_good_token(caller: Client) -> None:
    token = (caller.token or "").encode()
    for value in (b"\xa0" + token, token + b"\xa0", "\u2003".encode() + token):
        request = http(
            "POST", "/api/read", b"Authorization: Bearer " + value, body=BODY
        )
        assert_problem(await talk(caller, request), 403, "token_invalid")


async def test_a_token_longer_than_a_header_may_be(visitor: Client) -> None:
    reply = await present(visitor, "Bearer " + "a" * 20_000)
    assert_problem(reply, 431, "headers_too_large")


@pytest.mark.parametrize("header", BAD_JWT_HEADERS.values(), ids=BAD_JWT_HEADERS.keys())
async def test_a_bad_header_of_the_token(caller: Client, header: Any) -> None:
    token = forged(header, claims_of(caller))
    assert_problem(await present(caller, f"Bearer {token}"), 403, "token_invalid")


@pytest.mark.parametrize("algorithm", ["HS384", "HS512", "none"])
async def test_another_algorithm_with_a_valid_signature(
    caller: Client, algorithm: str
) -> None:
    secret = None if algorithm == "none" else JWT_SECRET.ljust(64)
    token = jwt.encode(claims_of(caller), secret, algorithm)
    assert_problem(await present(caller, f"Bearer {token}"), 403, "token_invalid")


@pytest.mark.parametrize("kid", ["", "../../etc/passwd", "\0", "' OR 1=1 --"])
async def test_a_kid_of_an_unknown_secret(caller: Client, kid: str) -> None:
    token = forged(HEADER | {"kid": kid}, claims_of(caller))
    assert_problem(await present(caller, f"Bearer {token}"), 403, "token_invalid")


async def test_a_token_names_its_secret_without_revealing_it(
    caller: Client,
) -> None:
    kid = jwt.get_unverified_header(caller.token or "")["kid"]
    token = forged(HEADER | {"kid": kid}, claims_of(caller))
    assert (await present(caller, f"Bearer {token}")).status == 200
    assert not any(kid[i : i + 4] in JWT_SECRET for i in range(len(kid) - 3))


async def test_a_rotated_secret_keeps_tokens_valid(
    serve: Serve, tarantool: Tarantool, client: Client
) -> None:
    old = client.token
    rotated = {"KV_JWT_SECRET": NEW_SECRET, "KV_JWT_SECRET_PREVIOUS": JWT_SECRET}
    async with serve(tarantool, **rotated) as after:
        assert (await present(after, f"Bearer {old}")).status == 200
        after.token = old
        renewed = (await after.post("/api/refresh")).json["token"]
        assert (await present(after, f"Bearer {renewed}")).status == 200
    async with serve(tarantool, KV_JWT_SECRET=NEW_SECRET) as done:
        assert (await present(done, f"Bearer {renewed}")).status == 200
        reply = await present(done, f"Bearer {old}")
        assert_problem(reply, 403, "token_invalid")


async def test_a_secret_signs_under_its_own_name_alone(
    serve: Serve, tarantool: Tarantool, caller: Client
) -> None:
    rotated = {"KV_JWT_SECRET": NEW_SECRET, "KV_JWT_SECRET_PREVIOUS": JWT_SECRET}
    async with serve(tarantool, **rotated) as service:
        for secret, other in (JWT_SECRET, NEW_SECRET), (NEW_SECRET, JWT_SECRET):
            for kid, status in (key_id(secret), 200), (key_id(other), 403):
                header = HEADER | {"kid": kid}
                token = forged(header, claims_of(caller), secret)
                assert (await present(service, f"Bearer {token}")).status == status


@pytest.mark.parametrize("secret", ["", "another secret, just as long as ours", "\0"])
async def test_a_wrong_secret(caller: Client, secret: str) -> None:
    token = forged(HEADER, claims_of(caller), secret)
    assert_problem(await present(caller, f"Bearer {token}"), 403, "token_invalid")


async def test_claims_changed_under_the_signature(caller: Client) -> None:
    header, _, signature = (caller.token or "").split(".")
    claims = _part(claims_of(caller) | {"sub": "admin"}).decode()
    token = f"{header}.{claims}.{signature}"
    assert_problem(await present(caller, f"Bearer {token}"), 403, "token_invalid")


async def test_no_signature(caller: Client) -> None:
    header, claims, _ = (caller.token or "").split(".")
    for token in (f"{header}.{claims}.", f"{header}.{claims}"):
        assert_problem(await present(caller, f"Bearer {token}"), 403, "token_invalid")


@pytest.mark.parametrize("changes", BAD_CLAIMS.values(), ids=BAD_CLAIMS.keys())
async def test_bad_claims(caller: Client, changes: dict[str, Any]) -> None:
    token = changed(caller, changes)
    assert_problem(await present(caller, f"Bearer {token}"), 403, "token_invalid")


@pytest.mark.parametrize(
    "claims",
    [[], [1], "x", 1, None, b"{", b"", b'{"sub":"\xff"}', b"[" * 5000],
    ids=lambda claims: ascii(claims)[:20],
)
async def test_claims_that_are_no_object(visitor: Client, claims: Any) -> None:
    token = forged(HEADER, claims)
    assert_problem(await present(visitor, f"Bearer {token}"), 403, "token_invalid")


async def test_an_exp_with_more_digits_than_python_reads(caller: Client) -> None:
    claims = json.dumps(claims_of(caller) | {"exp": 0})
    token = forged(HEADER, claims.replace('"exp": 0', f'"exp": {"9" * 5000}').encode())
    assert_problem(await present(caller, f"Bearer {token}"), 403, "token_invalid")


@pytest.mark.parametrize("exp", EXPIRED.values(), ids=EXPIRED.keys())
async def test_an_expired_token(caller: Client, exp: int) -> None:
    token = changed(caller, {"exp": exp})
    assert_problem(await present(caller, f"Bearer {token}"), 403, "token_expired")


async def test_an_expired_token_with_a_wrong_secret_is_not_valid(
    caller: Client,
) -> None:
    token = forged(HEADER, claims_of(caller) | {"exp": 0}, "another")
    assert_problem(await present(caller, f"Bearer {token}"), 403, "token_invalid")


@pytest.mark.parametrize("changes", REVOKED.values(), ids=REVOKED.keys())
async def test_a_token_whose_account_is_not_there(
    caller: Client, changes: dict[str, Any]
) -> None:
    token = changed(caller, changes)
    assert_problem(await present(caller, f"Bearer {token}"), 403, "token_revoked")


async def test_a_token_issued_before_the_credentials_changed(
    client: Client, tarantool: Tarantool
) -> None:
    name, key = claims_of(client)["sub"], unique("key")
    tarantool.console(f"box.space.users:update('{name}', {{{{'+', 3, 1}}}})")
    assert_problem(await client.write({key: 1}), 403, "token_revoked")
    assert_problem(await client.read([key]), 403, "token_revoked")

    assert (await client.login(name, "password")).status == 200
    assert (await client.read([key])).json == {"data": {}}


async def test_a_deleted_account_revokes_its_token(
    client: Client, tarantool: Tarantool
) -> None:
    name = claims_of(client)["sub"]
    tarantool.console(f"box.space.users:delete('{name}')")
    assert_problem(await client.read(["k"]), 403, "token_revoked")


async def test_a_token_lives_one_hour(client: Client) -> None:
    assert abs(claims_of(client)["exp"] - time.time() - HOUR) < 60


async def test_a_token_is_good_where_the_clock_is_behind(client: Client) -> None:
    assert claims_of(client).keys() == {"sub", "ver", "exp"}


async def test_a_token_names_its_account(visitor: Client) -> None:
    name = unique("Zo\u00e9")
    await visitor.register(name, "password")
    await visitor.login(name, "password")
    assert claims_of(visitor)["sub"] == name


async def test_the_life_of_a_token_is_a_setting(
    serve: Serve, tarantool: Tarantool
) -> None:
    async with serve(tarantool, KV_TOKEN_TTL="1") as client:
        await client.enter()
        assert (await client.read(["k"])).status == 200
        await asyncio.sleep(1.1)
        assert_problem(await client.read(["k"]), 403, "token_expired")


async def test_a_token_of_a_service_with_the_same_secret_is_good(
    caller: Client, serve: Serve, tarantool: Tarantool
) -> None:
    async with serve(tarantool) as another:
        assert (await present(another, f"Bearer {caller.token}")).status == 200


async def test_a_bad_token_is_reported_before_a_bad_body(visitor: Client) -> None:
    reply = await visitor.post("/api/write", "not JSON")
    assert_problem(reply, 403, "token_missing")


@pytest.mark.parametrize("path", ["/api/register", "/api/login"])
async def test_a_bad_token_does_not_prevent_a_login(visitor: Client, path: str) -> None:
    reply = await visitor.post(path, {}, headers={"Authorization": "Bearer bad"})
    assert_problem(reply, 400, "credentials_required")


@settings(deadline=None, database=None)
@given(
    start=st.sampled_from(["", " ", "Bearer ", "bearer\t", "Bearer a.b.", "Basic "]),
    rest=st.text(st.characters(codec="utf-8", exclude_categories=["Cc"])),
)
async def test_no_random_header_is_accepted(
    service: Client, start: str, rest: str
) -> None:
    reply = await present(service, start + rest)
    assert_problem(reply, 403, reply.json["code"])


@settings(deadline=None, database=None)
@given(header=HEADER_MEMBERS, claims=CLAIMS)
async def test_no_random_signed_token_is_accepted_or_fails_the_service(
    service: Client, header: dict[str, Any], claims: dict[str, Any]
) -> None:
    now = int(time.time())
    good = {"sub": "nobody", "ver": 1, "iat": now, "exp": now + HOUR}
    for token in (
        forged(HEADER | header, good),
        forged(HEADER, good | claims),
        forged(HEADER | header, claims),
    ):
        reply = await present(service, f"Bearer {token}")
        assert_problem(reply, 403, reply.json["code"])
