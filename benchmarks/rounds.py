"""Rounds in which all that is compared takes its turn, in an order drawn anew."""

import contextlib
import random
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.corpus import Call, Corpus, Kind, Operation
from benchmarks.peers import PEERS
from benchmarks.processes import pin, usage
from benchmarks.subjects import Bare, Mode, Ours, Setting, Subject
from benchmarks.wrk import FaultyLoad, load

#: Seconds in which a subject should come to rest, and of a look whether it has.
REST_TIMEOUT, REST_INTERVAL = 5.0, 0.1

#: Of a core: what a subject at rest still uses.
REST = 0.1


class Plan(NamedTuple):
    """What to compare: these calls in each of these settings.

    Reads, and a mix of nearly nothing else, do not meet the log: they are made in the
    first of the settings' modes only.

    :ivar seconds: of a turn
    :ivar load_cpus, cpus: of the load, and of what is measured; none: any
    """

    settings: Sequence[Setting]
    calls: Sequence[Call]
    subjects: Sequence[str]
    rounds: int
    seconds: float
    value_bytes: int
    load_cpus: frozenset[int] = frozenset()
    cpus: frozenset[int] = frozenset()


class Case(NamedTuple):
    keys: int
    mode: Mode
    workers: int
    kind: Kind
    batch: int


class Turn(NamedTuple):
    """What was measured.

    :ivar rate: calls a second
    :ivar p50, p99: milliseconds
    :ivar service, store, load: microseconds of CPU a call; of the store None: it is
        the same process
    :ivar threads: of the service and the store
    """

    case: Case
    subject: str
    round: int
    rate: float
    p50: float
    p99: float
    service: float
    store: float | None
    load: float
    threads: int


class Gap(NamedTuple):
    """A turn that came to no figure, and why."""

    case: Case
    subject: str
    reason: str


class Rig:
    """The subjects of one setting, running, with their stores filled."""

    def __init__(self, folder: Path, setting: Setting, plan: Plan) -> None:
        folder.mkdir()
        self.setting = setting
        self.subjects: list[Subject] = []
        self._folder = folder
        self._plan = plan
        self._corpus = Corpus(folder, setting.keys, plan.value_bytes)
        self._requests: dict[tuple[str, Call], Path] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator["Rig"]:
        wanted = self._plan.subjects
        with contextlib.ExitStack() as stack:
            ours = Ours(self._folder / "service", self.setting, self._corpus)
            self._start(stack, ours)
            if Bare.name in wanted:
                folder, sizes = self._folder / "bare", self._reply_sizes(ours)
                self._start(
                    stack, Bare(folder, self.setting, self._corpus, sizes, ours)
                )
            for peer in PEERS:
                if peer.name in wanted and peer.fits(self.setting):
                    folder = self._folder / peer.name
                    self._start(stack, peer(folder, self.setting, self._corpus))
            for subject in self.subjects:
                for call in self.calls():
                    self._requests[subject.name, call] = self._corpus.requests(
                        call, subject.name, subject.request
                    )
            yield self

    def calls(self) -> list[Call]:
        is_first = self.setting.mode == self._plan.settings[0].mode
        return [
            call
            for call in self._plan.calls
            if call.batch <= self.setting.keys and (is_first or call.kind == "write")
        ]

    def turn(self, subject: Subject, call: Call, number: int) -> Turn | Gap:
        """:raises FaultyLoad: of the service"""
        case = Case(*self.setting, *call)
        pids = subject.pids()
        before = [usage(each) for each in pids]
        try:
            found = load(
                subject.port,
                self._requests[subject.name, call],
                self._plan.seconds,
                self._plan.load_cpus,
            )
        except FaultyLoad as fault:
            _rest(subject)
            if isinstance(subject, Ours):
                raise
            return Gap(case, subject.name, str(fault))
        after = [usage(each) for each in pids]
        service, store = (
            1e6 * (end.cpu - begin.cpu) / found.calls
            for begin, end in zip(before, after, strict=True)
        )
        _rest(subject)
        return Turn(
            case,
            subject.name,
            number,
            found.calls / found.seconds,
            found.p50,
            found.p99,
            service,
            store if pids.store else None,
            1e6 * found.cpu / found.calls,
            sum(each.threads for each in after),
        )

    def _start(self, stack: contextlib.ExitStack, subject: Subject) -> None:
        stack.callback(subject.stop)
        subject.start()
        subject.load()
        if self._plan.cpus:
            for pids in subject.pids():
                pin(pids, self._plan.cpus)
        self.subjects.append(subject)

    def _reply_sizes(self, ours: Ours) -> dict[tuple[Operation, int], int]:
        operations: tuple[Operation, ...] = ("read", "write")
        return {
            (operation, call.batch): len(ours.reply(operation, call.batch))
            for operation in operations
            for call in self.calls()
        }


def turns(folder: Path, plan: Plan) -> Iterator[Turn | Gap]:
    """The turns of one round and one call follow each other: they are compared."""
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        rigs = [
            stack.enter_context(Rig(folder / str(number), setting, plan).running())
            for number, setting in enumerate(plan.settings)
        ]
        for number in range(plan.rounds):
            for call in random.sample(plan.calls, len(plan.calls)):
                compared = [
                    (rig, subject)
                    for rig in rigs
                    if call in rig.calls()
                    for subject in rig.subjects
                ]
                for rig, subject in random.sample(compared, len(compared)):
                    yield rig.turn(subject, call, number)


def _rest(subject: Subject) -> None:
    """What was under way when the load ended is no burden for the next."""
    pids = [pid for group in subject.pids() for pid in group]
    deadline = time.monotonic() + REST_TIMEOUT
    while time.monotonic() < deadline:
        before = usage(pids).cpu
        time.sleep(REST_INTERVAL)
        if usage(pids).cpu - before <= REST * REST_INTERVAL:
            return
