"""Whether the service kept its promises, as far as its clients can tell.

Everything is judged from outside: by what clients were told, by the feed of changes and
by what was left in the end.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from tests.torture.history import History
from tests.torture.key_histories import judge_keys
from tests.torture.report import rendered
from tests.torture.store_order import judge_feed, judge_retries, judge_store
from tests.torture.verdict import Violation

Judge = Callable[[History], Iterator[Violation]]

JUDGES: tuple[Judge, ...] = (judge_feed, judge_retries, judge_store, judge_keys)


def check(history: History) -> list[Violation]:
    """None: every promise was kept."""
    return [found for judge in JUDGES for found in judge(history)]


def report(violations: Sequence[Violation], history: History) -> str:
    """The first violation of each rule, and how many there are of it."""
    counts = Counter(found.rule for found in violations)
    first = {found.rule: found for found in reversed(violations)}
    return "\n\n".join(f"{counts[rule]} x {rendered(first[rule])}" for rule in counts)
