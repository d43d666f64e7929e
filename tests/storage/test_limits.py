"""Limits and defaults of the service and of its procedures are equal."""

import json
from collections.abc import Iterator

import pytest

from service import errors, settings
from service.auth import credentials
from service.model import Grant
from service.settings import Settings, SettingsError
from tests.support.console import lua
from tests.support.tarantool import PASSWORD, Tarantool, Tarantools, evaluated

MIB = 1024 * 1024

#: A field of a module in Lua, and its twin here.
CONSTANTS = {
    "require('kv.accounts.names').MAX_LENGTH": credentials.MAX_USERNAME,
    "require('kv.base.errors').MAX_QUOTED": errors.MAX_QUOTED,
    "require('kv.accounts.grants').MAX_GRANTS": settings.MAX_GRANTS,
    "require('kv.admin.accounts').MIN_COST": settings.MIN_BCRYPT_ROUNDS,
    "require('kv.admin.accounts').MAX_COST": settings.MAX_BCRYPT_ROUNDS,
}

#: A setting of the service that Tarantool reads too, and the field there.
DEFAULTS = {
    "memtx_memory": "memtx_memory",
    "changes_bytes": "changes_bytes",
    "disk_reserve": "disk_reserve",
    "wal_mode": "wal_mode",
    "tarantool_user": "user",
}


def grants_of(count: int) -> str:
    return json.dumps([{"prefix": str(n), "rights": "r"} for n in range(count)])


#: Values at the ends of what is accepted, and beyond.
GIVEN = {
    "KV_MEMTX_MEMORY": ["0", "1", str(64 * MIB - 1), str(64 * MIB), "64M", "-1"],
    "KV_CHANGES_BYTES": ["-1", "0", "1", "x"],
    "KV_DISK_RESERVE": ["-1", "0", "1", "1.5"],
    "KV_MAX_BODY": ["-1", "0", "1", "x"],
    "KV_WAL_MODE": ["fsync", "write", "none", "FSYNC"],
    "KV_DEFAULT_GRANTS": [
        "[]",
        '[{"prefix": "", "rights": "r"}]',
        '[{"prefix": "", "rights": "w"}]',
        '[{"prefix": "a", "rights": "rw"}]',
        '[{"prefix": "a", "rights": "wr"}]',
        '[{"prefix": "a"}]',
        '[{"rights": "r"}]',
        '[{"prefix": 1, "rights": "r"}]',
        '[{"prefix": "a", "rights": "r", "more": 1}]',
        grants_of(100),
        grants_of(101),
        "{}",
        " []",
        "[",
    ],
}

#: With this variable: whether the instance would start, as far as its settings go.
IS_ACCEPTED = """
(function()
    local before = os.getenv({name})
    os.setenv({name}, {value})
    local ok = pcall(require('kv.config').read)
    os.setenv({name}, before or '')
    return ok
end)()
"""


@pytest.fixture(scope="module")
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    """An instance with default settings."""
    with tarantools.running() as instance:
        yield instance


@pytest.mark.parametrize("constant", CONSTANTS)
def test_a_limit_is_the_same_in_both_languages(own: Tarantool, constant: str) -> None:
    assert evaluated(own, constant) == CONSTANTS[constant]


def test_the_lowest_and_the_highest_cost_are_those_of_the_setting(
    own: Tarantool,
) -> None:
    for field, cost in ("MIN_COST", 4), ("MAX_COST", 16):
        assert evaluated(own, f"require('kv.admin.accounts').{field}") == cost
    for cost, accepted in (3, False), (4, True), (16, True), (17, False):
        assert is_accepted_by_service("KV_BCRYPT_ROUNDS", str(cost)) is accepted


@pytest.mark.parametrize("setting", DEFAULTS)
def test_a_default_is_the_same_in_both_languages(own: Tarantool, setting: str) -> None:
    there = evaluated(own, f"require('kv.config').read().{DEFAULTS[setting]}")
    assert there == getattr(Settings(), setting)


def test_the_default_grants_are_the_same_in_both_languages(own: Tarantool) -> None:
    grants = evaluated(own, "require('kv.config').read().default_grants")
    assert [Grant(*grant) for grant in grants] == list(Settings().default_grants)


def test_the_largest_body_is_the_same_in_both_languages(own: Tarantool) -> None:
    read = "require('kv.config')"
    per_body = evaluated(own, f"{read}.read().max_tuple_size / {read}.TUPLE_PER_BODY")
    assert per_body == Settings().max_body


def is_accepted_by_service(name: str, value: str) -> bool:
    try:
        Settings.from_env({"KV_TARANTOOL_PASSWORD": PASSWORD, name: value})
    except SettingsError:
        return False
    return True


@pytest.mark.parametrize(
    ("name", "value"), [(name, value) for name in GIVEN for value in GIVEN[name]]
)
def test_a_value_is_accepted_by_both_or_by_none(
    own: Tarantool, name: str, value: str
) -> None:
    there = evaluated(own, IS_ACCEPTED.format(name=lua(name), value=lua(value)))
    assert there is is_accepted_by_service(name, value)
