"""The operators' console, `kv.admin`: what it shows, and what it does to callers."""

import asyncio
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.assertions import assert_problem
from tests.support.client import Client, account_of, unique
from tests.support.console import (
    admin,
    functions,
    hash_of,
    listed,
    listed_account,
    lua,
    mistake,
)
from tests.support.tarantool import Tarantool, Tarantools, evaluated

#: A hash of bcrypt, and what is not one.
HASH = "$2b$04$.tN/sriDW7/UJh1LMy6OQOoubgUpLPNcxf6iloOreiZ.ewFjWBPq2"
NO_HASHES = {
    "a-password": lua("correct horse"),
    "nothing": "nil",
    "a-number": "12",
    "too-short": lua(HASH[:-1]),
    "too-long": lua(HASH + "2"),
    "line-behind": lua(HASH + "\n"),
    "other-version": lua(HASH.replace("2b", "2a")),
    "too-cheap": lua(HASH.replace("$04$", "$03$")),
    "too-dear": lua(HASH.replace("$04$", "$17$")),
    "foreign-character": lua(HASH.replace("/", "=")),
    # bcrypt refuses to compare anything with it
    "odd-salt": lua(HASH[:28] + "P" + HASH[29:]),
    "odd-end": lua(HASH[:-1] + "3"),
}

BAD_GRANTS = {
    "nothing": ("nil", "expected a list of {prefix, rights}"),
    "a-text": ("'rw'", "expected a list of {prefix, rights}"),
    "no-list": ("{prefix = '', rights = 'r'}", "expected a list of {prefix, rights}"),
    "a-neighbouring-name": (
        "{{prefix = '', rights = 'r'}, rights = 'w'}",
        "expected a list of {prefix, rights}",
    ),
    "a-hole": (
        "{{prefix = '', rights = 'r'}, nil, {prefix = 'a', rights = 'r'}}",
        "expected a list of {prefix, rights}",
    ),
    "no-rights": ("{{prefix = 'a'}}", "grant 1: rights are r, w or rw"),
    "other-rights": (
        "{{prefix = 'a', rights = 'r'}, {prefix = 'b', rights = 'x'}}",
        "grant 2: rights are r, w or rw",
    ),
    "no-prefix": ("{{rights = 'r'}}", "grant 1: expected a prefix, a string"),
    "no-text": (
        "{{prefix = '\\255', rights = 'r'}}",
        "grant 1: expected a prefix, a string",
    ),
    "unknown-member": (
        "{{prefix = '', rights = 'r', until_ = 1}}",
        "grant 1: until_ is not known",
    ),
}

#: Names of accounts: as they may be today, and as they could be once.
LISTED = [
    *("ann", "bob", "it's", "tail'", 'b"', "back\\slash", "\\'", "é", "ключ", "😀"),
    *("x" * 64, " before", "behind ", "a b", "--[[", "nil"),
]

#: Every function that takes the name of an account that is there.
OF_AN_ACCOUNT = {
    "disable_account": "",
    "enable_account": "",
    "delete_account": "",
    "show_grants": "",
    "end_tokens": "",
    "list_access_tokens": "",
    "set_grants": "{}",
    "set_password_hash": lua(HASH),
}


def users(tarantool: Tarantool) -> Any:
    return evaluated(tarantool, "box.space.users:select()")


async def on_console(action: Callable[..., Any], *arguments: Any) -> Any:
    """While the service serves in this thread."""
    return await asyncio.to_thread(action, *arguments)


def test_help_covers_every_function(tarantool: Tarantool) -> None:
    overview = admin(tarantool, "help")
    for name in functions(tarantool):
        assert re.search(rf"^{name} +\w.*$", overview, re.MULTILINE), name
        usage, text, example = admin(tarantool, "help", lua(name)).split("\n\n")
        assert re.fullmatch(rf"kv\.admin\.{name}\(.*\) \w.*\.", usage)
        assert len(text) > 20
        assert example.startswith("Example: kv.admin")
        assert max(map(len, f"{overview}\n{text}".splitlines())) <= 95


def test_kv_admin_alone_prints_its_help(tarantool: Tarantool) -> None:
    shown = tarantool.console("kv.admin")
    assert shown.startswith("---\n- |-\n  Functions of kv.admin; ")
    for name in functions(tarantool):
        assert f"\n  {name} " in shown


def test_help_of_an_unknown_function_says_so(tarantool: Tarantool) -> None:
    sentence = mistake(tarantool, "help", "'drop'")
    assert sentence == "there is no function kv.admin.drop: see kv.admin.help()"


@pytest.mark.parametrize("function", OF_AN_ACCOUNT)
def test_an_unknown_account_is_a_mistake_of_one_line(
    tarantool: Tarantool, function: str
) -> None:
    rest = [OF_AN_ACCOUNT[function]] if OF_AN_ACCOUNT[function] else []
    name = unique("nobody")
    before = users(tarantool)
    arguments = [lua(name), *rest]
    assert mistake(tarantool, function, *arguments) == f"there is no account '{name}'"
    shown = tarantool.console(f"kv.admin.{function}({', '.join(arguments)})")
    assert shown.strip() == f"---\n- error: there is no account '{name}'\n..."
    for no_name in "nil", "7", "{}", "'\\255'":
        sentence = mistake(tarantool, function, no_name, *rest)
        assert sentence == "name: expected a string"
    assert users(tarantool) == before


@pytest.mark.parametrize("no_hash", NO_HASHES.values(), ids=NO_HASHES)
async def test_what_is_no_hash_is_refused_and_changes_nothing(
    tarantool: Tarantool, client: Client, no_hash: str
) -> None:
    name = lua(account_of(client))
    before = users(tarantool)
    for function, owner in ("set_password_hash", name), ("create_account", "'new'"):
        sentence = mistake(tarantool, function, owner, no_hash)
        assert sentence.startswith("password_hash: not a hash of bcrypt; ")
    assert users(tarantool) == before


@pytest.mark.parametrize(("grants", "why"), BAD_GRANTS.values(), ids=BAD_GRANTS)
async def test_bad_grants_are_refused_and_change_nothing(
    tarantool: Tarantool, client: Client, grants: str, why: str
) -> None:
    name = lua(account_of(client))
    before = users(tarantool)
    wanted = f"grants: {why}; see kv.admin.help('set_grants')"
    assert mistake(tarantool, "set_grants", name, grants) == wanted
    if grants != "nil":
        new = [lua(unique("new")), lua(HASH), grants]
        assert mistake(tarantool, "create_account", *new) == wanted
    assert users(tarantool) == before


@pytest.mark.parametrize("name", ["''", "nil", "('x'):rep(65)", "'a\\nb'", "'\\255'"])
def test_a_name_that_the_service_does_not_take_is_refused(
    tarantool: Tarantool, name: str
) -> None:
    before = users(tarantool)
    assert mistake(tarantool, "create_account", name, lua(HASH)).startswith("name: ")
    assert users(tarantool) == before


async def test_an_account_made_on_the_console_logs_in_with_its_password(
    tarantool: Tarantool, visitor: Client
) -> None:
    name, password = unique("Жанна д'Арк"), "a pass phrase, ünïcode"
    password_hash = await on_console(hash_of, password)
    assert password not in password_hash
    grants = listed(("mine/", "rw"))
    output = admin(tarantool, "create_account", lua(name), lua(password_hash), grants)
    assert output.startswith("account 'Жанна д\\'Арк-")
    assert (await visitor.login(name, "another")).status == 401
    assert (await visitor.login(name, password)).status == 200
    me = (await visitor.request("GET", "/api/me")).json
    assert me["grants"] == [{"prefix": "mine/", "rights": "rw"}]
    before = users(tarantool)
    sentence = mistake(tarantool, "create_account", lua(name), lua(password_hash))
    assert sentence.endswith("already")
    assert users(tarantool) == before


async def test_an_account_made_without_grants_gets_the_default(
    tarantool: Tarantool, visitor: Client
) -> None:
    name = unique("user")
    password_hash = await on_console(hash_of, "password")
    admin(tarantool, "create_account", lua(name), lua(password_hash))
    assert (await visitor.login(name, "password")).status == 200
    me = (await visitor.request("GET", "/api/me")).json
    assert me["grants"] == [{"prefix": "", "rights": "rw"}]


async def test_a_password_set_on_the_console_takes_the_place_of_the_old_one(
    tarantool: Tarantool, client: Client
) -> None:
    name = account_of(client)
    password_hash = await on_console(hash_of, "another")
    admin(tarantool, "set_password_hash", lua(name), lua(password_hash))
    assert_problem(await client.read(["k"]), 403, "token_revoked")
    assert (await client.login(name, "password")).status == 401
    assert (await client.login(name, "another")).status == 200


async def test_a_disabled_account_is_refused_until_it_is_enabled(
    tarantool: Tarantool, client: Client
) -> None:
    name = account_of(client)
    admin(tarantool, "disable_account", lua(name))
    assert_problem(await client.read(["k"]), 403, "token_revoked")
    assert (await client.login(name, "password")).status == 401
    assert state_of(tarantool, name) == "disabled"
    admin(tarantool, "enable_account", lua(name))
    assert_problem(await client.read(["k"]), 403, "token_revoked")
    assert (await client.login(name, "password")).status == 200
    assert (await client.read(["k"])).status == 200
    assert state_of(tarantool, name) == "enabled"


def state_of(tarantool: Tarantool, name: str) -> str:
    return listed_account(tarantool, name).split()[2]


async def test_a_deleted_account_is_refused_and_its_keys_stay(
    tarantool: Tarantool, client: Client, visitor: Client
) -> None:
    name, key = account_of(client), unique("key")
    headers = {"Idempotency-Key": unique("once")}
    body = {"data": {key: 1}}
    assert (await client.post("/api/write", body, headers=headers)).status == 200
    admin(tarantool, "delete_account", lua(name))
    assert_problem(await client.read([key]), 403, "token_revoked")
    assert (await visitor.register(name, "password")).status == 200
    assert (await visitor.login(name, "password")).status == 200
    assert (await visitor.read([key])).json["data"] == {key: 1}
    # nor does the new one get the outcomes of the old one's writes
    assert (await visitor.write({key: 2})).status == 200
    assert (await visitor.post("/api/write", body, headers=headers)).status == 200
    assert (await visitor.read([key])).json["data"] == {key: 1}


async def test_an_ended_token_is_refused_and_the_next_login_is_not(
    tarantool: Tarantool, client: Client
) -> None:
    admin(tarantool, "end_tokens", lua(account_of(client)))
    assert_problem(await client.read(["k"]), 403, "token_revoked")
    assert (await client.login(account_of(client), "password")).status == 200
    assert (await client.read(["k"])).status == 200


async def test_grants_set_are_shown_and_hold_for_the_next_call(
    tarantool: Tarantool, client: Client
) -> None:
    name, prefix = lua(account_of(client)), unique("it's\\")
    assert admin(tarantool, "show_grants", name).splitlines()[2:] == ["rw      ''"]
    admin(tarantool, "set_grants", name, listed((prefix, "rw"), ("a\nb", "r")))
    assert (await client.write({prefix: 1})).status == 200
    assert_problem(await client.write({"k": 1}), 403, "forbidden")
    shown = admin(tarantool, "show_grants", name).splitlines()
    assert shown[2:] == [
        "rw      '" + prefix.replace("it's\\", "it\\'s\\\\") + "'",
        "r       'a\\010b'",
    ]
    literal = shown[2].split(maxsplit=1)[1]
    assert evaluated(tarantool, literal) == prefix
    admin(tarantool, "set_grants", name, "{}")
    assert_problem(await client.read([prefix]), 403, "forbidden")
    assert admin(tarantool, "show_grants", name).endswith(" has no grants")


def test_the_list_of_accounts_shows_them_all_and_no_hash(
    tarantools: Tarantools,
) -> None:
    with tarantools.running() as tarantool:
        for name in LISTED:
            tarantool.console(f"kv.v1.create_user({lua(name)}, {lua(HASH)})")
        assert_all_are_listed(tarantool)


def assert_all_are_listed(tarantool: Tarantool) -> None:
    names, after, page = list[str](), "nil", ""
    while True:
        page = admin(tarantool, "list_accounts", "3", after)
        head, entries, *rest = page.split("\n\n")
        assert head.split() == ["name", "created", "state", "grants"]
        names += re.findall(r"^('.*?[^\\]')  ", entries, re.MULTILINE)
        assert "$" not in page
        if not rest:
            break
        (after,) = re.fullmatch(
            r"continue with kv\.admin\.list_accounts\(3, (.*)\)", rest[0]
        ).groups()  # type: ignore[union-attr]
    stored = [user[0] for user in users(tarantool)]
    assert len(stored) == len(LISTED)
    assert [evaluated(tarantool, name) for name in names] == stored
    for limit in "0", "1001", "1.5", "'3'":
        sentence = mistake(tarantool, "list_accounts", limit)
        assert sentence == "limit: expected an integer from 1 to 1000"


async def test_the_list_shows_the_time_in_utc_and_the_grants(
    tarantool: Tarantool, client: Client
) -> None:
    name = account_of(client)
    many = [("a", "rw"), ("é" * 25, "r")] + [("c", "w")] * 10
    for grants, short in (
        (many[:1], "rw 'a'"),
        (many, f"rw 'a', r '{'é' * 24}…', w 'c'"),
    ):
        admin(tarantool, "set_grants", lua(name), listed(*grants))
        _, created, _, shown = listed_account(tarantool, name).split(maxsplit=3)
        assert shown == short + (", 9 more" if len(grants) > 3 else "")
        age = datetime.now(UTC) - datetime.fromisoformat(created)
        assert abs(age.total_seconds()) < 60


async def test_a_value_is_shown_as_it_is_stored(
    tarantool: Tarantool, client: Client
) -> None:
    key = unique("key")
    text = '{"b":1.0,"a" : [ ],"s":"{\\",:[","n":[12345678901234567890.10,{} ,null]}'
    written = await client.request("PUT", f"/api/keys/{key}?ttl=600", text)
    shown = admin(tarantool, "show_value", lua(key)).split("\n", 1)
    assert re.fullmatch(
        rf"key '{key}', revision {written.revision}, "
        r"expires \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ \(in (10|9) min\)",
        shown[0],
    )
    assert shown[1] == (
        '\n{\n  "b": 1.0,\n  "a": [],\n  "s": "{\\",:[",\n  "n": [\n'
        "    12345678901234567890.10,\n    {},\n    null\n  ]\n}"
    )
    assert f"- |-\n  key '{key}'" in tarantool.console(f"kv.admin.show_value('{key}')")
    missing = mistake(tarantool, "show_value", "'no such key'")
    assert missing == "there is no key 'no such key'"


#: No surrogates: UTF-8 has none.
TEXT = st.characters(exclude_categories=["Cs"])

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(TEXT, max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(TEXT, max_size=5), inner, max_size=3)
    ),
    max_leaves=10,
)


@given(
    values=st.lists(JSON, min_size=1, max_size=20),
    indent=st.sampled_from([None, 0, 3]),
    ascii_=st.booleans(),
)
@settings(
    deadline=None,
    max_examples=10,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_indented_json_is_what_python_makes_of_it(
    tarantool: Tarantool, values: list[Any], indent: int | None, ascii_: bool
) -> None:
    indented = "require('kv.admin.pretty_json').indented"
    texts = (json.dumps(value, indent=indent, ensure_ascii=ascii_) for value in values)
    calls = ", ".join(f"{indented}({lua(text)})" for text in texts)
    assert evaluated(tarantool, f"{{{calls}}}") == [
        json.dumps(value, indent=2, ensure_ascii=ascii_) for value in values
    ]


async def test_a_value_of_very_many_lines_is_shown_in_one(
    tarantool: Tarantool, client: Client
) -> None:
    key = unique("key")
    text = "[" * 100 + ",".join("1" * 50_000) + "]" * 100
    assert (await client.request("PUT", f"/api/keys/{key}", text)).status == 204
    assert admin(tarantool, "show_value", lua(key)).endswith(f"\n\n{text}")


async def test_values_are_listed_page_by_page(
    tarantool: Tarantool, client: Client
) -> None:
    prefix = unique("it's")
    await client.write({f"{prefix}/{number}": [number] for number in range(5)})
    texts: list[str] = []
    call = f"list_values({lua(prefix)}, 2)"
    while call:
        *page, last = evaluated(tarantool, f"{{kv.admin.{call}}}")
        more = re.fullmatch(r"continue with kv\.admin\.(.*)", last)
        call = more[1] if more else ""
        texts += page if more else [*page, last]
    assert len(texts) == 5
    for number, text in enumerate(texts):
        assert text.endswith(f"\n\n[\n  {number}\n]")
        literal = re.match(r"key ('.*'), revision", text)
        assert literal
        assert evaluated(tarantool, literal[1]) == f"{prefix}/{number}"
    assert admin(tarantool, "list_values", "'no such prefix'") == "no keys"
    assert mistake(tarantool, "list_values") == "prefix: expected a string"


def test_statistics_show_the_state(tarantools: Tarantools) -> None:
    with tarantools.running(
        KV_MEMTX_MEMORY=str(64 * 2**20), KV_CHANGES_BYTES=str(3 * 2**20)
    ) as own:
        admin(own, "create_account", "'dave'", lua(HASH))
        writer = "{'dave', box.space.users:get('dave').credentials_version}"
        for keys, options in ("{'a', 'b'}", "{}"), ("{'c'}", "{ttl = 100}"):
            values = "{'1', '2'}" if "b" in keys else "{'3'}"
            own.console(f"kv.v1.put({writer}, {keys}, {values}, {options})")
        shown = dict(
            re.split(r" {2,}", line, maxsplit=1)
            for line in admin(own, "statistics").splitlines()
            if line
        )
        version = evaluated(own, "box.info.version")
        assert shown["keys"] == "3, 1 of them expire"
        assert shown["revision"] == "2"
        assert shown["accounts"] == "1"
        assert re.fullmatch(
            r"2 writes after revision 0, \d+ B of at most 3\.0 MiB",
            shown["change log"],
        )
        assert shown["idempotency"] == "0 records"
        assert re.fullmatch(
            r"[\d.]+ MiB in use, [\d.]+ MiB allocated, at most 64\.0 MiB \(.*\)",
            shown["memory"],
        )
        assert re.fullmatch(r"fsync, 1 file, [\d.]+ KiB", shown["write-ahead log"])
        assert re.fullmatch(
            r"1 file, [\d.]+ KiB, the last one \d+ s ago", shown["snapshots"]
        )
        assert shown["writes"] == "accepted"
        assert re.fullmatch(rf"{re.escape(version)}, up for \d+ s", shown["Tarantool"])


def test_statistics_say_that_no_changes_are_kept(tarantools: Tarantools) -> None:
    with tarantools.running(KV_CHANGES_BYTES="0") as own:
        shown = admin(own, "statistics")
    assert re.search(r"^change log +off: ", shown, re.MULTILINE)


def test_a_read_only_instance_shows_everything_and_changes_nothing(
    tarantools: Tarantools,
) -> None:
    with tarantools.running() as own:
        admin(own, "create_account", "'dave'", lua(HASH))
        own.console("box.space.kv:replace({'k', '1', 0})")
        own.console("box.cfg({read_only = true})")
        before = users(own)
        for function in "create_account", *OF_AN_ACCOUNT:
            if function not in {"show_grants", "list_access_tokens"}:
                assert mistake(own, function, "'dave'", lua(HASH)) == (
                    "this instance is read-only: call it on the one that takes writes"
                )
        assert users(own) == before
        assert "'dave'" in admin(own, "list_accounts")
        assert "rw" in admin(own, "show_grants", "'dave'")
        assert "no access tokens" in admin(own, "list_access_tokens", "'dave'")
        assert "read-only" in mistake(own, "delete_access_token", "1")
        assert admin(own, "show_value", "'k'").endswith("\n\n1")
        assert admin(own, "list_values", "''").endswith("\n\n1")
        assert "refused: read-only" in admin(own, "statistics")
