"""What is kept of a caller is never older than its account and its access token."""

import itertools

import pytest

from tests.support.tarantool import Tarantool, evaluated

NUMBERS = itertools.count()

CREATE = """
kv.v1.create_user('{name}', '$2b$04$' .. ('a'):rep(53), true)
"""
CREATE_TOKEN = """
kv.v1.create_access_token({{'{name}', {version}}}, '{hash}', 'program')
"""

#: The rights that the checks find before a change, in its transaction, which is then
#: taken back, and after that.
TAKE_BACK = """
(function()
    local authorize = require('kv.accounts.authorize')
    local function rights(check)
        local ok, user = pcall(authorize[check], {caller})
        return ok and require('json').encode(user.grants) or 'refused'
    end
    local found = {{ rights('check') }}
    box.begin()
    {change}
    table.insert(found, rights('{meanwhile}'))
    box.rollback()
    table.insert(found, rights('check'))
    table.insert(found, rights('check_here'))
    return found
end)()
"""

CHANGES = {
    "grants": (
        "box.space.users:update('NAME', {{'=', 'grants', {{'x', 'r'}}}})",
        '[["x","r"]]',
    ),
    "disabled": (
        "box.space.users:update('NAME', {{'=', 'disabled', true}})",
        "refused",
    ),
    "deleted": ("box.space.users:delete('NAME')", "refused"),
}
CHANGES_OF_TOKENS = {
    "grants": (
        "box.space.access_tokens:update('HASH', {{'=', 'grants', {{'x', 'r'}}}})",
        '[["x","r"]]',
    ),
    "deleted": ("box.space.access_tokens:delete('HASH')", "refused"),
}
EVERYTHING = '[["","rw"]]'


def take_back(
    tarantool: Tarantool, change: str, *, has_token: bool, meanwhile: str = "check_here"
) -> list[str]:
    number = next(NUMBERS)
    name, token_hash = f"caller {number}", f"{number:064x}"
    tarantool.console(CREATE.format(name=name))
    row = f"box.space.users:get('{name}')"
    version = evaluated(tarantool, f"{row}.credentials_version")
    tarantool.console(CREATE_TOKEN.format(name=name, version=version, hash=token_hash))
    caller = f"{{'', '{token_hash}'}}" if has_token else f"{{'{name}', {version}}}"
    code = TAKE_BACK.format(
        caller=caller,
        change=change.replace("NAME", name).replace("HASH", token_hash),
        meanwhile=meanwhile,
    )
    found: list[str] = evaluated(tarantool, code)
    return found


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("has_token", [False, True], ids=["session", "access token"])
def test_a_change_that_is_taken_back_leaves_no_trace(
    tarantool: Tarantool, change: str, has_token: bool
) -> None:
    """As on a node that does not lead, where the majority refuses a change."""
    code, meanwhile = CHANGES[change]
    found = take_back(tarantool, code, has_token=has_token)
    assert found == [EVERYTHING, meanwhile, EVERYTHING, EVERYTHING]


@pytest.mark.parametrize("change", CHANGES_OF_TOKENS)
def test_a_change_of_a_token_that_is_taken_back_leaves_no_trace(
    tarantool: Tarantool, change: str
) -> None:
    code, meanwhile = CHANGES_OF_TOKENS[change]
    found = take_back(tarantool, code, has_token=True)
    assert found == [EVERYTHING, meanwhile, EVERYTHING, EVERYTHING]


def test_kept_as_if_it_were_on_disk_a_change_leaves_a_trace(
    tarantool: Tarantool,
) -> None:
    """The control: the check of the leader, in a transaction that is not on disk."""
    code, _ = CHANGES["grants"]
    found = take_back(tarantool, code, has_token=False, meanwhile="check")
    assert found == [EVERYTHING, '[["x","r"]]', '[["x","r"]]', EVERYTHING]
