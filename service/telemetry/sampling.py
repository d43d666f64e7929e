"""Sampling: which requests are traced, decided before the SDK costs anything.

The SDK would create a span, and then drop it: 5 us for a request that is not sampled.
"""

import random
import re
from collections.abc import Mapping

import msgspec

from service.errors import StartError

#: W3C Trace Context, section 3.2; a later version may have more fields.
TRACEPARENT = re.compile(
    r"(?P<version>(?!ff)[0-9a-f]{2})-(?P<trace>(?!0{32})[0-9a-f]{32})"
    r"-(?P<span>(?!0{16})[0-9a-f]{16})-(?P<flags>[0-9a-f]{2})(?P<more>-.*)?"
)

#: The flag of a request that its caller samples.
SAMPLED = 1

#: As many values has the part of a trace id by which all services decide alike, if they
#: sample the same ratio: the lower half.
DECIDING_VALUES = 2**64

PARENT_BASED = "parentbased_"

#: The ratio of each sampler; None: `OTEL_TRACES_SAMPLER_ARG` has it.
RATIOS = {"always_on": 1.0, "always_off": 0.0, "traceidratio": None}


class RemoteParent(msgspec.Struct, frozen=True):
    """The span of the caller, on another machine.

    :ivar is_sampled: whether the caller samples its trace
    """

    trace_id: int
    span_id: int
    is_sampled: bool


def parent_of(traceparent: str | None) -> RemoteParent | None:
    """The span that a header names; None: there is none, or it is not valid."""
    if traceparent is None:
        return None
    found = TRACEPARENT.fullmatch(traceparent)
    if found is None:
        return None
    version, trace, span, flags, more = found.groups()
    if more is not None and version == "00":
        return None
    return RemoteParent(int(trace, 16), int(span, 16), bool(int(flags, 16) & SAMPLED))


class Sampler:
    """Samples a part of the requests.

    :param ratio: of them, from 0 to 1
    :param follows_parent: whether the caller decides, if it traces the request
    """

    def __init__(self, ratio: float, *, follows_parent: bool) -> None:
        self._ratio = ratio
        self._follows_parent = follows_parent

    def samples(self, parent: RemoteParent | None) -> bool:
        if parent is None:
            return random.random() < self._ratio  # noqa: S311  # nosec B311
        if self._follows_parent:
            return parent.is_sampled
        return parent.trace_id % DECIDING_VALUES < self._ratio * DECIDING_VALUES


def sampler_of(environ: Mapping[str, str]) -> Sampler:
    """The sampler of `OTEL_TRACES_SAMPLER` and `OTEL_TRACES_SAMPLER_ARG`.

    :raises StartError: one of them is not valid
    """
    given = environ.get("OTEL_TRACES_SAMPLER") or f"{PARENT_BASED}always_on"
    name = given.removeprefix(PARENT_BASED)
    if name not in RATIOS:
        expected = [*RATIOS, *(PARENT_BASED + name for name in RATIOS)]
        raise StartError(
            f"OTEL_TRACES_SAMPLER is {given}, expected one of: {', '.join(expected)}"
        )
    ratio = RATIOS[name]
    if ratio is None:
        ratio = _ratio(environ.get("OTEL_TRACES_SAMPLER_ARG") or "1")
    return Sampler(ratio, follows_parent=given != name)


def _ratio(text: str) -> float:
    try:
        ratio = float(text)
    except ValueError:
        ratio = -1
    if not 0 <= ratio <= 1:
        raise StartError(
            f"OTEL_TRACES_SAMPLER_ARG is {text}, expected a number from 0 to 1"
        )
    return ratio
