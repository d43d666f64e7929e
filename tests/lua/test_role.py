"""The role of a cluster's node: which settings it accepts, and where."""

import pytest

from tests.support.lua_modules import evaluate
from tests.support.tarantool import local_version

#: Null is a value of its own in Lua, as in YAML.
VALIDATE = """
    local ok, failure = pcall(role.validate, input)
    return not ok and tostring(failure) or nil
"""

GOOD = {
    "password": "a password",
    "user": "kv_service",
    "max_body": 16 * 1024 * 1024,
    "changes_bytes": 0,
    "disk_reserve": "67108864",
    "default_grants": [{"prefix": "", "rights": "rw"}],
}

#: Each with the sentence of script mode, which names the setting.
BAD = [
    ({"password": None}, "expected password or password_file"),
    ({"password": ""}, "expected password or password_file"),
    ({"user": "guest"}, 'user is "guest": a built-in account of Tarantool'),
    ({"max_body": 0}, 'max_body is "0": expected a number of bytes, at least 1'),
    ({"max_body": 1.5}, 'max_body is "1.5": expected a number of bytes, at least 1'),
    ({"max_body": "big"}, 'max_body is "big": expected a number of bytes, at least 1'),
    ({"changes_bytes": -1}, 'changes_bytes is "-1": expected a number of bytes'),
    ({"disk_reserve": True}, 'disk_reserve is "true": expected a number of bytes'),
    ({"default_grants": "{}"}, "default_grants: expected a list of {prefix, rights}"),
    (
        {"default_grants": [{"prefix": "", "rights": "x"}]},
        "default_grants: grant 1: rights are r, w or rw",
    ),
    (
        {"memory": 1},
        "memory is not known: expected one of changes_bytes, default_grants, "
        "disk_reserve, max_body, password, password_file, user",
    ),
]


def refusal(options: object) -> str | None:
    """The sentence; None: they are accepted."""
    found: str | None = evaluate(VALIDATE, options)
    return found


@pytest.mark.parametrize(("changes", "sentence"), BAD)
def test_a_bad_setting_is_named(changes: dict[str, object], sentence: str) -> None:
    found = refusal(GOOD | changes)
    assert found is not None
    assert found.startswith(sentence)


def test_settings_have_names() -> None:
    assert refusal("password") == "expected settings by their names"


def test_good_settings_are_accepted_where_there_are_elections() -> None:
    found = refusal(GOOD)
    if local_version() >= (3, 0):
        assert found is None
    else:
        assert found is not None
        assert found.startswith("a cluster requires Tarantool 3, this is 2.")
        assert "\n" not in found
