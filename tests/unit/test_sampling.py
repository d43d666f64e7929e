"""Sampling: the caller's decision, and the ratio."""

import pytest

from service.errors import StartError
from service.telemetry.sampling import RemoteParent, Sampler, parent_of, sampler_of

TRACE, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    ("flags", "is_sampled"), [("00", False), ("01", True), ("03", True)]
)
def test_a_header_names_the_span_of_the_caller(flags: str, is_sampled: bool) -> None:
    found = parent_of(f"00-{TRACE}-{SPAN}-{flags}")
    assert found == RemoteParent(int(TRACE, 16), int(SPAN, 16), is_sampled)


def test_a_later_version_may_have_more_fields() -> None:
    assert parent_of(f"01-{TRACE}-{SPAN}-01-more") is not None


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
        f"00-{TRACE}-{SPAN}-1",
        f"00-{TRACE}-{SPAN}-01-more",
    ],
)
def test_a_header_that_is_not_valid_names_no_span(header: str | None) -> None:
    assert parent_of(header) is None


def test_the_caller_decides_by_default() -> None:
    sampler = sampler_of({})
    assert sampler.samples(None)
    assert sampler.samples(RemoteParent(1, 1, True))
    assert not sampler.samples(RemoteParent(1, 1, False))


def test_a_ratio_without_a_parent_ignores_the_caller() -> None:
    assert sampler_of({"OTEL_TRACES_SAMPLER": "always_on"}).samples(
        RemoteParent(1, 1, False)
    )
    never = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0"}
    assert not sampler_of(never).samples(RemoteParent(1, 1, True))


def test_services_that_sample_a_ratio_sample_the_same_traces() -> None:
    sampler = Sampler(0.25, follows_parent=False)
    for part, is_sampled in ((0.0, True), (0.2, True), (0.3, False), (0.99, False)):
        trace_id = (1 << 127) + int(part * 2**64)
        assert sampler.samples(RemoteParent(trace_id, 1, False)) is is_sampled


def test_a_part_of_the_requests_is_sampled() -> None:
    sampler = Sampler(0.25, follows_parent=True)
    assert 2000 < sum(sampler.samples(None) for _ in range(10_000)) < 3000


@pytest.mark.parametrize("ratio", ["-0.1", "1.1", "nan", "some"])
def test_a_ratio_that_is_not_valid_is_refused(ratio: str) -> None:
    environ = {"OTEL_TRACES_SAMPLER": "traceidratio", "OTEL_TRACES_SAMPLER_ARG": ratio}
    with pytest.raises(StartError, match="OTEL_TRACES_SAMPLER_ARG"):
        sampler_of(environ)
