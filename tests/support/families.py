"""The samples of metric families, as tests compare them."""

from collections.abc import Iterable

from service.telemetry.families import Distribution, Family, Labels

Samples = dict[Labels, float]


def family_of(families: Iterable[Family], name: str) -> Family:
    """The one with this name."""
    (found,) = (family for family in families if family.name == name)
    return found


def samples_of(families: Iterable[Family], name: str) -> Samples:
    """The numbers of a counter or a gauge, by the values of their labels."""
    return {
        labels: value
        for labels, value in family_of(families, name).samples
        if not isinstance(value, Distribution)
    }


def observations_of(families: Iterable[Family], name: str, *labels: str) -> int:
    """The number of observations of a histogram with these labels."""
    return sum(
        sum(value.counts)
        for found, value in family_of(families, name).samples
        if found == labels and isinstance(value, Distribution)
    )
