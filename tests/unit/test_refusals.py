"""What of an error of Tarantool may be logged."""

import pytest
from asynctnt.exceptions import TarantoolDatabaseError

from service.storage.refusals import without_tuples


@pytest.mark.parametrize(
    ("message", "logged"),
    [
        (
            'Duplicate key exists in unique index "primary" in space "kv" with old '
            'tuple - ["secret", "1"] and new tuple - ["secret", "2\n3"]',
            'Duplicate key exists in unique index "primary" in space "kv" with old '
            "tuple - …",
        ),
        ("Tuple field 1 type does not match", "Tuple field 1 type does not match"),
    ],
)
def test_an_error_is_logged_without_the_tuples_in_its_message(
    message: str, logged: str
) -> None:
    shown = without_tuples(TarantoolDatabaseError(3, message, None))
    assert (shown.code, str(shown)) == (3, logged)
