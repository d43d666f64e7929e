"""The role of a cluster's node: which settings it accepts, and where."""

import pytest

from tests.support.lua_modules import evaluate
from tests.support.tarantool import local_version

#: Null is a value of its own in Lua, as in YAML.
VALIDATE = """
    local ok, failure = pcall(role.validate, input)
    return not ok and tostring(failure) or nil
"""

#: The settings of three instances, of which the first is this one.
UNSAFE = """
    local names = {}
    for name in pairs(input.others) do table.insert(names, name) end
    table.sort(names)
    return role.unsafe_settings(function(name, instance)
        return (instance and input.others[instance] or input.own)[name]
    end, names)
"""

SAFE = {
    "replication.election_fencing_mode": "strict",
    "replication.synchro_quorum": "N / 2 + 1",
    "replication.timeout": 0.25,
    "compat.replication_synchro_timeout": "new",
    "compat.box_consider_system_spaces_synchronous": "new",
    "database.txn_synchro_timeout": 3153600000,
    "wal.mode": "fsync",
}

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


@pytest.mark.parametrize(
    ("changes", "sentences"),
    [
        ({}, []),
        ({"wal.mode": "none"}, ["wal.mode is none, expected fsync"]),
        (
            {"replication.synchro_quorum": 1},
            ["replication.synchro_quorum is 1, expected 'N / 2 + 1'"],
        ),
        ({"replication.timeout": 0.49}, []),
        (
            {"replication.timeout": 0.5},
            [
                "replication.timeout is 0.5, "
                "expected less than 2 times the 0.25 of tarantool-2"
            ],
        ),
        ({"replication.timeout": 1}, ["tarantool-2", "tarantool-3"]),
    ],
)
def test_an_option_that_weakens_the_guarantees_is_reported(
    changes: dict[str, object], sentences: list[str]
) -> None:
    others = {
        "tarantool-2": {"replication.timeout": 0.25},
        "tarantool-3": {"replication.timeout": 0.28},
    }
    found = evaluate(UNSAFE, {"own": SAFE | changes, "others": others})
    assert len(found) == len(sentences)
    for text, expected in zip(found, sentences, strict=True):
        assert expected in text
