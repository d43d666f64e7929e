"""The duration of a login does not reveal whether the name has an account.

Wrong passwords for a known and for an unknown name are timed in turn. Were the times
alike, each of the differences could as well have the other sign: a sign-flip test of
their median says how likely a median as large as this would be.
"""

import random
import statistics
import time
from collections.abc import Callable, Iterator

import bcrypt
import pytest

from service.auth import passwords
from service.auth.passwords import Verdict
from tests.support.addresses import coming_from, new_address
from tests.support.client import Client, unique
from tests.support.service import Serve
from tests.support.tarantool import Tarantool, Tarantools

#: Pairs of logins, and of them those that come from one address.
PAIRS, OF_ADDRESS = 120, 8

#: Times that all signs are drawn; a false alarm in a thousand runs.
FLIPS, ALARM = 2000, 0.001

#: Independent rounds that must agree: on a busy machine one alone gives more alarms.
ROUNDS = 2

#: A hash takes 4 ms at 6.
BEFORE, TODAY, LOWERED = "6", "7", "5"


async def differences(service: Client, known: str) -> list[float]:
    """Seconds that a known name takes longer than an unknown one."""
    found = []
    for _ in range(PAIRS // OF_ADDRESS):
        async with coming_from(new_address(), service) as client:
            await client.request("GET", "/livez")
            for n in range(OF_ADDRESS):
                names = [known, unique("nobody")[: len(known)]]
                taken = {}
                for name in random.sample(names, 2):
                    begin = time.perf_counter()
                    reply = await client.login(name, f"wrong {n}")
                    taken[name] = time.perf_counter() - begin
                    assert reply.status == 401
                found.append(taken[names[0]] - taken[names[1]])
    return found


def are_distinguishable(differences: list[float]) -> bool:
    def median_of(signs: Iterator[int]) -> float:
        pairs = zip(differences, signs, strict=False)
        return abs(statistics.median(d * sign for d, sign in pairs))

    seen = abs(statistics.median(differences))
    signs = iter(lambda: random.choice((-1, 1)), 0)
    larger = sum(median_of(signs) >= seen for _ in range(FLIPS))
    return larger / FLIPS < ALARM


@pytest.fixture(scope="module")
def own(tarantools: Tarantools) -> Iterator[Tarantool]:
    """An instance whose accounts all have passwords of the cost `BEFORE`."""
    with tarantools.running() as instance:
        yield instance


async def reveals_a_name(serve: Serve, own: Tarantool, served_at: str) -> bool:
    """Whether the times reveal which name has an account, made at another cost."""
    name = unique("user")
    async with serve(own, KV_BCRYPT_ROUNDS=BEFORE) as service:
        assert (await service.register(name, "right")).status == 200
    async with serve(own, KV_BCRYPT_ROUNDS=served_at) as service:
        for _ in range(ROUNDS):
            if not are_distinguishable(await differences(service, name)):
                return False
        return True


COSTS = pytest.mark.parametrize(
    "served_at", [BEFORE, TODAY, LOWERED], ids=["unchanged", "raised", "lowered"]
)


@COSTS
async def test_unknown_names_take_as_long_as_known_ones(
    serve: Serve, own: Tarantool, served_at: str
) -> None:
    assert not await reveals_a_name(serve, own, served_at)


def _early_exit(password: str, known_hash: str | None, *_: object) -> Verdict:
    """Hashes nothing for a name without an account."""
    if known_hash is None:
        return Verdict(matches=False)
    return Verdict(bcrypt.checkpw(password.encode(), known_hash.encode()))


def _cost_of_today(
    password: str, known_hash: str | None, _: object, rounds: int
) -> Verdict:
    """Ignores a change of the cost."""
    stand_in = bcrypt.gensalt(rounds) + b"." * 31
    known = known_hash.encode() if known_hash else stand_in
    return Verdict(bcrypt.checkpw(password.encode(), known))


@pytest.mark.parametrize(
    ("broken", "served_at"),
    [(_early_exit, BEFORE), (_cost_of_today, TODAY), (_cost_of_today, LOWERED)],
    ids=["early exit", "cost raised", "cost lowered"],
)
async def test_a_difference_is_noticed(
    serve: Serve,
    own: Tarantool,
    monkeypatch: pytest.MonkeyPatch,
    broken: Callable[..., Verdict],
    served_at: str,
) -> None:
    """The control of the test above."""
    monkeypatch.setattr(passwords, "_check", broken)
    assert await reveals_a_name(serve, own, served_at)
