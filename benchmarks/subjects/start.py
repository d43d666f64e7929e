"""Starts all subjects of a comparison, in each setting, with filled stores."""

import contextlib
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure.cases import OPERATIONS, Call, Operation, Setting
from benchmarks.measure.processes import pin
from benchmarks.measure.rounds import Candidate
from benchmarks.subjects.bare import Bare
from benchmarks.subjects.dataset import Dataset
from benchmarks.subjects.etcd import Etcd
from benchmarks.subjects.service import Service
from benchmarks.subjects.subject import Subject
from benchmarks.subjects.webdis import Webdis

#: Other products, which may be missing on this machine.
PEERS: tuple[type[Webdis | Etcd], ...] = (Webdis, Etcd)

#: The names of all subjects, in the order of tables and charts.
SUBJECTS = (Service.name, Bare.name, *(peer.name for peer in PEERS))


def missing_packages(peer: type[Subject]) -> list[str]:
    """The Debian packages of the programs that are not installed."""
    programs = peer.programs.items()
    return [package for program, package in programs if shutil.which(program) is None]


class Plan(NamedTuple):
    """The subjects, and the calls to compare them with, in each of the settings.

    :ivar cpus: of the subjects; empty: any
    """

    settings: Sequence[Setting]
    calls: Sequence[Call]
    subjects: Collection[str]
    value_bytes: int
    cpus: Collection[int] = ()

    def calls_in(self, setting: Setting) -> list[Call]:
        """Reads, and mixes, which are mostly reads, run in the first WAL mode only."""
        is_first = setting.mode == self.settings[0].mode
        return [
            call
            for call in self.calls
            if call.batch <= setting.keys and (is_first or call.kind == "write")
        ]


@contextlib.contextmanager
def running(folder: Path, plan: Plan) -> Iterator[list[Candidate]]:
    """All subjects of all settings at the same time."""
    folder.mkdir()
    with contextlib.ExitStack() as stack:
        yield [
            candidate
            for number, setting in enumerate(plan.settings)
            for candidate in _start(stack, folder / str(number), setting, plan)
        ]


def _start(
    stack: contextlib.ExitStack, folder: Path, setting: Setting, plan: Plan
) -> Iterator[Candidate]:
    folder.mkdir()
    dataset = Dataset(folder, setting.keys, plan.value_bytes)
    calls = plan.calls_in(setting)
    service = Service(folder / Service.name, setting, dataset)
    yield start_one(stack, service, calls, plan.cpus, required=True)
    if Bare.name in plan.subjects:
        sizes = _reply_sizes(service, calls)
        bare = Bare(folder / Bare.name, setting, dataset, sizes, service)
        yield start_one(stack, bare, calls, plan.cpus)
    for peer in PEERS:
        if peer.name in plan.subjects and peer.supports(setting):
            subject = peer(folder / peer.name, setting, dataset)
            yield start_one(stack, subject, calls, plan.cpus)


def start_one(
    stack: contextlib.ExitStack,
    subject: Subject,
    calls: Sequence[Call],
    cpus: Collection[int] = (),
    *,
    name: str | None = None,
    required: bool = False,
) -> Candidate:
    """Starts a subject until the stack is closed, and fills its store.

    :param name: in the results; by default the subject's
    :param required: see `Candidate`
    """
    stack.callback(subject.stop)
    subject.start()
    subject.fill()
    if cpus:
        for pids in subject.pids():
            pin(pids, cpus)
    name = name or subject.name
    requests = {
        call: subject.dataset.request_file(call, name, subject.request)
        for call in calls
    }
    return Candidate(name, subject.setting, subject, requests, required)


def _reply_sizes(
    service: Service, calls: Sequence[Call]
) -> dict[tuple[Operation, int], int]:
    return {
        (operation, call.batch): len(service.reply(operation, call.batch))
        for operation in OPERATIONS
        for call in calls
    }
