"""Whether the service kept its promises, as far as its clients can observe.

Everything is judged from outside: by what clients received, by the feed of changes and
by what was left in the end.
"""

from collections import Counter
from collections.abc import Sequence

from tests.torture.history import History
from tests.torture.judge.key_histories import judge_keys
from tests.torture.judge.report import rendered
from tests.torture.judge.shrink import Judge, shortest
from tests.torture.judge.strict_serializability import (
    judge_feed,
    judge_retries,
    judge_store,
)
from tests.torture.judge.violations import Violation

JUDGES: tuple[Judge, ...] = (judge_feed, judge_retries, judge_store, judge_keys)

#: Of rules that have others than `judge_store`; None: nothing can be left out.
JUDGE_OF: dict[str, Judge | None] = {
    "feed order": None,
    "feed gap": None,
    "feed end": None,
    "retry": judge_retries,
    "linearizability": judge_keys,
    "undecided": None,
    # the feed as a whole is what they are compared with
    "history": None,
    "export": None,
    # an operation left out may be the reason for another refusal
    "refusal": None,
    # not of a history alone: see verdict.py
    **dict.fromkeys(("grant", "token", "feeds", "replay", "replies", "trouble")),
}


def check(history: History) -> list[Violation]:
    """None: every promise was kept."""
    return [found for judge in JUDGES for found in judge(history)]


def report(violations: Sequence[Violation], history: History) -> str:
    """The first violation of each rule, as short as it can be shown."""
    counts = Counter(found.rule for found in violations)
    first = {found.rule: found for found in reversed(violations)}
    return "\n\n".join(
        f"{counts[rule]} x {rendered(_shortest(first[rule], history))}"
        for rule in counts
    )


def _shortest(found: Violation, history: History) -> Violation:
    judge = JUDGE_OF.get(found.rule, judge_store)
    return found if judge is None else shortest(found, history, judge)
