"""The time that the check of a password takes, counted in steps of bcrypt."""

import itertools

import bcrypt
import pytest

from service.auth.passwords import Verdict, _check, _digest, _hash, _padding
from service.settings import MIN_BCRYPT_ROUNDS

COSTS = range(MIN_BCRYPT_ROUNDS, MIN_BCRYPT_ROUNDS + 6)


def steps(costs: list[int]) -> tuple[int, int]:
    """How many steps hashes at these costs take, and how many hashes they are."""
    return sum(2**cost for cost in costs), len(costs)


@pytest.mark.parametrize(
    ("lowest", "highest"), [*itertools.combinations_with_replacement(COSTS, 2)]
)
def test_every_cost_is_padded_to_the_same_steps(lowest: int, highest: int) -> None:
    """Those of the highest, and the same number of small hashes."""
    padded = {
        cost: steps([cost, *_padding(cost, lowest, highest)])
        for cost in range(lowest, highest + 1)
    }
    assert len(set(padded.values())) == 1, padded


@pytest.mark.parametrize("rounds", [4, 5])
@pytest.mark.parametrize("costs", [(4, 4), (4, 6), (6, 6)])
def test_a_check_makes_as_many_hashes_for_an_unknown_name(
    monkeypatch: pytest.MonkeyPatch, rounds: int, costs: tuple[int, int]
) -> None:
    made: list[int] = []
    hashpw, checkpw = bcrypt.hashpw, bcrypt.checkpw

    def counted(password: bytes, salt: bytes) -> bytes:
        made.append(int(salt.split(b"$")[2]))
        return hashpw(password, salt)

    def check_counted(password: bytes, known: bytes) -> bool:
        made.append(int(known.split(b"$")[2]))
        return checkpw(password, known)

    hashes = [None, *(_hash("password", cost) for cost in sorted({*costs, rounds}))]
    monkeypatch.setattr(bcrypt, "hashpw", counted)
    monkeypatch.setattr(bcrypt, "checkpw", check_counted)
    counts = []
    for known in hashes:
        made.clear()
        assert not _check("wrong", known, costs, rounds).matches
        counts.append(steps(made))
    assert len(set(counts)) == 1, counts


def test_a_hash_of_another_cost_is_replaced() -> None:
    verdict = _check("password", _hash("password", 4), (4, 4), 5)
    assert verdict.matches
    assert verdict.new_hash is not None
    assert verdict.new_hash.startswith("$2b$05$")
    assert bcrypt.checkpw(_digest("password"), verdict.new_hash.encode())
    assert _check("password", verdict.new_hash, (5, 5), 5) == Verdict(matches=True)


@pytest.mark.parametrize("other", ["x" * 73 + "y", "x" * 74 + "\0", "", "X" * 74])
def test_every_byte_of_a_password_is_significant(other: str) -> None:
    known = _hash("x" * 74, MIN_BCRYPT_ROUNDS)
    assert _check("x" * 74, known, (4, 4), 4).matches
    assert not _check(other, known, (4, 4), 4).matches
    assert len(_digest(other)) == 44
