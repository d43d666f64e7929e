"""How exactly the clocks of a round agree."""

from collections.abc import Sequence

#: Seconds: clients and server measure times to live on clocks of one machine, which
#: differ by their drift only.
TOLERANCE = 0.05

#: Seconds that a change of leader may add to the life of a key (docs/cluster.md).
CHANGE_OF_LEADER = 1.0


def latest_expiry(
    due: float, begin: float, changes: Sequence[tuple[float, float]]
) -> float:
    """The time from which a key cannot be found.

    :param due: when it expires, by its writer's clock
    :param begin: when it was written
    :param changes: of the leader: begin and end, in order
    """
    latest = due + TOLERANCE
    for start, end in changes:
        if begin <= end and start <= latest:
            latest += CHANGE_OF_LEADER
    return latest
