"""Which names an account may have: one rule, over HTTP and on the console."""

import json
import random
import sys
import unicodedata
from collections.abc import Iterator, Sequence

import pytest

from service.auth.credentials import check_credentials, check_new_username
from service.errors import Problem
from tests.support import unicode_data
from tests.support.assertions import assert_problem
from tests.support.client import Client, unique
from tests.support.console import admin, hash_of, listed, lua, mistake
from tests.support.service import Serve
from tests.support.tarantool import PASSWORD, Tarantool, connected, evaluated

#: What str.isspace() knows, and what only resembles white space.
SPACES = [
    *(chr(code) for code in unicode_data.code_points() if chr(code).isspace()),
    "\u180e",
    "\u200b",
    "\u2060",
    "\ufeff",
]

#: Accounts that were made before surrounding white space was refused: `name` in the
#: place of {}.
SURROUNDED = [" {}", "{} ", "  {}  "]

#: Characters of each text, and calls: what the console takes at once.
TEXTS, CALLS, LONGEST = 2000, 5, 6

#: Ranges of the code points that make a name, behind a prefix.
ACCEPTED = """
(function()
    local fault, fiber = require('kv.accounts.names').fault, require('fiber')
    local ranges, last = {{}}, -2
    for code = 0, {last} do
        local is_surrogate = code >= 0xd800 and code < 0xe000
        if not is_surrogate and fault({prefix} .. utf8.char(code)) == nil then
            if code ~= last + 1 then table.insert(ranges, {{ code }}) end
            ranges[#ranges][2] = code
            last = code
        end
        if code % 1000 == 0 then fiber.yield() end
    end
    return ranges
end)()
"""

#: Which of the names are accepted, each given by its code points.
VERDICTS = """
(function()
    local verdicts, fault = {{}}, require('kv.accounts.names').fault
    for i, codes in ipairs(require('json').decode('{names}')) do
        verdicts[i] = fault(utf8.char(unpack(codes))) == nil
    end
    return verdicts
end)()
"""


def is_registered_as_it_is(name: str) -> bool:
    """Whether the service creates an account of this very name."""
    try:
        username, _ = check_credentials(name, "password")
        check_new_username(username)
    except Problem:
        return False
    return username == name


@pytest.fixture(scope="module")
def password_hash() -> str:
    return hash_of("password")


async def create_as_before(tarantool: Tarantool, name: str, password_hash: str) -> None:
    """Creates an account as a service does that accepts white space around names."""
    account = await connected(tarantool, username="kv_service", password=PASSWORD)
    async with account:
        await account.call("kv.v1.create_user", [name, password_hash])


@pytest.mark.parametrize("space", SPACES, ids=ascii)
@pytest.mark.parametrize("form", ["{space}{name}", "{name}{space}", "{space}"])
async def test_a_new_name_has_no_white_space_at_an_end(
    visitor: Client, space: str, form: str
) -> None:
    name = unique("tester")
    reply = await visitor.register(form.format(name=name, space=space), "password")
    assert "/username" in assert_problem(reply, 400, "invalid_request")
    assert (await visitor.login(name, "password")).status == 401


async def test_a_new_name_may_have_spaces_inside(visitor: Client) -> None:
    name = unique("Ada King of Lovelace")
    assert (await visitor.register(name, "password")).status == 200
    assert (await visitor.login(name, "password")).status == 200


@pytest.mark.parametrize("form", [*SURROUNDED, " "])
async def test_an_account_with_white_space_around_its_name_keeps_working(
    visitor: Client, tarantool: Tarantool, password_hash: str, form: str
) -> None:
    name = form.format(unique("tester"))
    await create_as_before(tarantool, name, password_hash)
    assert (await visitor.login(name.strip() or "  ", "password")).status == 401
    assert (await visitor.login(name, "password")).status == 200
    assert (await visitor.request("GET", "/api/me")).json["username"] == name
    change = {"password": "password", "new_password": "another"}
    changed = await visitor.post("/api/password", change)
    assert changed.status == 200, changed.text
    assert (await visitor.login(name, "another")).status == 200
    assert (await visitor.write({unique("key"): 1})).status == 200
    assert (await visitor.post("/api/logout")).status == 200
    assert (await visitor.login(name, "another")).status == 200
    gone = await visitor.request("DELETE", "/api/me", '{"password": "another"}')
    assert gone.status == 200, gone.text
    assert (await visitor.login(name, "another")).status == 401


@pytest.mark.parametrize("form", SURROUNDED)
async def test_the_console_changes_an_account_with_white_space_around_its_name(
    visitor: Client, tarantool: Tarantool, password_hash: str, form: str
) -> None:
    name = form.format(unique("tester"))
    await create_as_before(tarantool, name, password_hash)
    admin(tarantool, "disable_account", lua(name))
    assert (await visitor.login(name, "password")).status == 401
    admin(tarantool, "enable_account", lua(name))
    assert (await visitor.login(name, "password")).status == 200
    admin(tarantool, "set_grants", lua(name), listed(("mine/", "r")))
    assert (await visitor.write({"mine/key": 1})).status == 403
    admin(tarantool, "delete_account", lua(name))
    assert (await visitor.login(name, "password")).status == 401


@pytest.mark.parametrize("form", SURROUNDED)
async def test_the_administrator_keeps_an_account_of_such_a_name(
    serve: Serve, tarantool: Tarantool, password_hash: str, form: str
) -> None:
    name = form.format(unique("admin"))
    await create_as_before(tarantool, name, password_hash)
    environ = {"ADMIN_LOGIN": name, "ADMIN_PASSWORD": "password"}
    async with serve(tarantool, **environ) as client:
        assert (await client.login(name, "password")).status == 200
    other = lua(unique("other"))  # an administrator must remain
    admin(tarantool, "create_account", other, lua(password_hash))
    admin(tarantool, "make_administrator", other)
    admin(tarantool, "delete_account", lua(name))  # tests of lists split at white space


def accepted(
    tarantool: Tarantool, prefix: str, last_code: int = sys.maxunicode
) -> Iterator[int]:
    text = ACCEPTED.format(prefix=lua(prefix), last=last_code)
    for first, last in evaluated(tarantool, text):
        yield from range(first, last + 1)


@pytest.mark.parametrize(
    ("prefix", "last_code"),
    [
        ("", sys.maxunicode),
        # what composes, or changes its place, is in the first planes
        ("a", 0x2FFFF),
        ("\u1100", 0x2FFFF),
    ],
    ids=["none", "letter", "jamo"],
)
def test_the_console_accepts_the_characters_that_the_service_accepts(
    tarantool: Tarantool, prefix: str, last_code: int
) -> None:
    on_console = set(accepted(tarantool, prefix, last_code))
    over_http = {
        code
        for code in unicode_data.code_points()
        if code <= last_code and is_registered_as_it_is(prefix + chr(code))
    }
    assert len(on_console) > 100_000
    if unicodedata.unidata_version == unicode_data.VERSION:
        assert on_console == over_http
    else:  # a newer Python knows more characters
        assert on_console <= over_http


def texts_of(characters: Sequence[str], randomness: random.Random) -> list[str]:
    lengths = [randomness.randint(2, LONGEST) for _ in range(TEXTS)]
    return ["".join(randomness.choices(characters, k=length)) for length in lengths]


def test_the_console_accepts_the_texts_that_the_service_accepts(
    tarantool: Tarantool,
) -> None:
    randomness = random.Random(0)
    composites = unicode_data.composites()
    parts = {code for pair in composites.values() for code in pair}
    jamo = [*range(0x1100, 0x1113), *range(0x1161, 0x1176), *range(0x11A7, 0x11C3)]
    syllables = range(0xAC00, 0xD7A4, 14)
    known = set(accepted(tarantool, ""))
    pools = [
        sorted({*composites, *parts, *unicode_data.classes()} & known),
        sorted(parts & known),
        sorted({*jamo, *syllables} & known),
        [ord(c) for c in "aeo\u00e1\u1ea1\u1ea5\u0301\u0323\u0302\u0327\u031b"],
        sorted({0x20, 0x61, *randomness.sample(sorted(known), 1000)}),
    ]
    assert len(pools) == CALLS
    outcomes = set()
    for pool in pools:
        names = texts_of([chr(code) for code in pool], randomness)
        codes = json.dumps([[ord(c) for c in name] for name in names])
        verdicts = evaluated(tarantool, VERDICTS.format(names=codes))
        for name, is_accepted in zip(names, verdicts, strict=True):
            assert is_accepted == is_registered_as_it_is(name), ascii(name)
            outcomes.add(is_accepted)
    assert outcomes == {True, False}


@pytest.mark.parametrize(
    ("form", "why"),
    [
        (" {}", "white space at an end"),
        ("{} ", "white space at an end"),
        ("e\u0301{}", "not in the Unicode form NFC"),
        ("\u00e1\u0323{}", "not in the Unicode form NFC"),
        ("\u1100\u1161{}", "not in the Unicode form NFC"),
        ("\u212b{}", "U+212B is not printable, or not in the Unicode form NFC"),
        ("\u2000{}", "U+2000 is not printable, or not in the Unicode form NFC"),
        ("\u200b{}", "U+200B is not printable, or not in the Unicode form NFC"),
        ("\u0378{}", "U+0378 is not printable, or not in the Unicode form NFC"),
        ("{}" + 64 * "x", "103 characters, expected 1 to 64"),
    ],
    ids=ascii,
)
async def test_what_can_never_log_in_is_not_created_on_the_console(
    tarantool: Tarantool, password_hash: str, form: str, why: str
) -> None:
    name = lua(form.format(unique("tester")))
    sentence = mistake(tarantool, "create_account", name, lua(password_hash))
    assert sentence == f"name: {why}"
    assert evaluated(tarantool, f"box.space.users:get({name}) == nil") is True


@pytest.mark.parametrize(
    "form",
    [
        "a b{}",
        "\u00e9{}",
        "\u1ea1\u0301{}",
        "\uac01{}",
        "\U0001f600{}",
        "x\u0327\u0301{}",
    ],
    ids=ascii,
)
async def test_what_is_created_on_the_console_logs_in_and_could_be_registered(
    visitor: Client, tarantool: Tarantool, password_hash: str, form: str
) -> None:
    name = form.format(unique("tester"))
    admin(tarantool, "create_account", lua(name), lua(password_hash))
    assert (await visitor.login(name, "password")).status == 200
    assert_problem(await visitor.register(name, "password"), 409, "user_exists")
    assert (await visitor.register(f"{name}.", "password")).status == 200


@pytest.mark.skipif(
    unicodedata.unidata_version != unicode_data.VERSION,
    reason="another Python wrote the data",
)
def test_the_unicode_data_are_up_to_date() -> None:
    assert unicode_data.FILE.read_text() == unicode_data.module()
