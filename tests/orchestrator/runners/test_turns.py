"""Which kind of place the next batch is for, where runs for GPUs and solves share the cores of hosts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from orchestrator.runners import placement
from orchestrator.runners.growth import more
from orchestrator.runners.node_health import NodeHealth
from orchestrator.runners.placement import Nodes, Share
from orchestrator.runners.resources import ON_CPU, ON_GPU
from orchestrator.runners.searcher import ReadyJobs
from orchestrator.runners.turns import Turns
from orchestrator.schedule.agenda import Agenda, Place
from orchestrator.schedule.plan import Plan, make_plan
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from sweeps.sweep import parse
from tests.orchestrator.small_runs import opened, seeds_sweep

SWEEP = seeds_sweep(140)
RUNS, SOLVES = 40, 100
QUEUE = 4
"""Trials that Tune lets wait (TUNE_MAX_PENDING_TRIALS_PG of cluster.py)."""


def place_of(job: Job) -> Place:
    """The first of the sweep stand for runs that take a share of a GPU, the others for solves."""
    return ON_GPU if job.spec.seed < RUNS else ON_CPU


@pytest.fixture(scope="module")
def planned(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ledger, Plan]:
    ledger, _ = opened(tmp_path_factory.mktemp("turns"))
    return ledger, make_plan(parse(SWEEP), ledger)


@pytest.fixture
def agenda(planned: tuple[Ledger, Plan]) -> Agenda:
    """Jobs so long that each comes alone."""
    _, plan = planned
    return Agenda(plan, dict.fromkeys(plan.runs, 600.0), workers=16, place_of=place_of)


class Tune:
    """How Tune uses cores and GPUs: a few trials wait for room, the first that fits gets it, and a worker whose trial
    has ended gets the next one of its kind that waits, or ends."""

    def __init__(self, agenda: Agenda, cores: int, gpus: int, most: int | None = None) -> None:
        self.agenda, self.room, self.most = agenda, {ON_CPU: cores, ON_GPU: gpus}, most
        self.turns = Turns(agenda, {ON_CPU: cores, ON_GPU: gpus}, lambda: cores, most)
        self.queue: list[tuple[str, Job]] = []
        self.running: list[tuple[str, Job]] = []
        self.trials = 0

    def step(self) -> None:
        while len(self.queue) < QUEUE and self._asks():
            pass
        for trial in list(self.queue):
            if self._has_room(place_of(trial[1])):
                self._start(trial)

    def _asks(self) -> bool:
        if self.most is not None and len(self.queue) + len(self.running) >= self.most:
            return False
        for place in self.turns.next():
            for job in self.agenda.take_batch(5.0, place):
                self.trials += 1
                self.turns.give(f"{self.trials}", place)
                self.queue.append((f"{self.trials}", job))
                return True
        return False

    def _has_room(self, place: Place) -> bool:
        used = self.now()
        return used.total() < self.room[ON_CPU] and (place == ON_CPU or used[ON_GPU] < self.room[ON_GPU])

    def _start(self, trial: tuple[str, Job]) -> None:
        self.queue.remove(trial)
        self.running.append(trial)
        self.turns.started(trial[0])

    def end(self, place: Place) -> None:
        """The trial of a kind that has run the longest ends."""
        id, job = next(trial for trial in self.running if place_of(trial[1]) == place)
        self.running.remove((id, job))
        self.agenda.end(job, "done")
        self.turns.take_back(id)
        if following := [trial for trial in self.queue if place_of(trial[1]) == place]:
            self._start(following[0])

    def now(self) -> Counter[Place]:
        """What runs, by kind."""
        return Counter(place_of(job) for _, job in self.running)

    def settle(self) -> Counter[Place]:
        for _ in range(40):
            self.step()
        return self.now()


def test_gpus_are_filled_first_and_stay_full_beside_solves(agenda: Agenda) -> None:
    tune = Tune(agenda, cores=16, gpus=4)
    assert tune.settle() == {ON_GPU: 4, ON_CPU: 12}
    ended: Counter[Place] = Counter()
    while ended[ON_GPU] < RUNS - 4:  # a solve takes half as long as a run
        for place in (ON_GPU, ON_CPU, ON_CPU):
            if tune.now()[place]:
                tune.end(place)
                ended[place] += 1
            tune.step()
            assert tune.now()[ON_GPU] == 4
            assert sum(place_of(job) == ON_CPU for _, job in tune.queue) <= 2
    assert ended[ON_CPU] > 30
    while tune.now()[ON_GPU]:
        tune.end(ON_GPU)
        tune.step()
    assert tune.settle()[ON_CPU] == 16, "cores are kept for runs that are not there"


@pytest.mark.parametrize("gpus", [1, 4])
def test_solves_that_have_all_cores_give_them_up_to_runs_for_gpus(agenda: Agenda, gpus: int) -> None:
    """These were not ready before, waiting for their source models, say."""
    runs = [job for _ in range(RUNS) for job in agenda.take_batch(0.0, ON_GPU)]
    tune = Tune(agenda, cores=16, gpus=gpus)
    assert tune.settle() == {ON_CPU: 16} and len(runs) == RUNS
    for job in runs:
        agenda.end(job, "not run")
    for _ in range(2 + gpus):  # two wait already, and get the first workers
        tune.end(ON_CPU)
        tune.settle()
    assert tune.now() == {ON_GPU: gpus, ON_CPU: 16 - gpus}
    tune.end(ON_CPU)
    assert tune.settle() == {ON_GPU: gpus, ON_CPU: 16 - gpus}


def test_where_workers_are_bounded_neither_kind_is_left_without_one(
    planned: tuple[Ledger, Plan], agenda: Agenda
) -> None:
    ledger, _ = planned
    turns = Turns(agenda, {ON_CPU: 16, ON_GPU: 4}, lambda: 16, most=4)
    jobs = ReadyJobs(agenda, ledger, "ours", turns=turns)
    given = [jobs.suggest(f"{number}") for number in range(4)]
    assert [suggestion["place"] for suggestion in given if isinstance(suggestion, dict)] == [ON_GPU] * 3 + [ON_CPU]
    jobs.on_trial_complete("0", {"endings": ["done"]})
    following = jobs.suggest("4")
    assert isinstance(following, dict) and following["place"] == ON_GPU


@pytest.mark.parametrize(("most", "gpus"), [(4, 4), (4, 2), (2, 4), (16, 4)])
def test_a_bounded_launch_keeps_all_its_workers_at_work(agenda: Agenda, most: int, gpus: int) -> None:
    tune = Tune(agenda, cores=16, gpus=gpus, most=most)
    runs = min(gpus, most - 1)
    assert tune.settle() == {ON_GPU: runs, ON_CPU: most - runs}
    for place in (ON_GPU, ON_CPU) * 4:
        tune.end(place)
        assert tune.settle() == {ON_GPU: runs, ON_CPU: most - runs}
    while agenda.wanted(ON_CPU, 5.0) or tune.now()[ON_CPU]:
        tune.end(ON_CPU)
        tune.settle()
    assert tune.now() == {ON_GPU: min(gpus, most)}, "one worker is left to solves that are done"


def test_one_worker_alone_comes_to_the_end_of_both(agenda: Agenda) -> None:
    """The only core is beside the GPU."""
    tune = Tune(agenda, cores=1, gpus=1, most=1)
    while tune.settle():
        tune.end(next(iter(tune.now())))
    assert agenda.finished()
    assert agenda.ended.keys() == agenda.costs.keys()


def test_a_cluster_without_a_node_yet_is_given_a_batch(agenda: Agenda) -> None:
    """An autoscaler adds the first node for it."""
    assert Turns(agenda, {ON_CPU: 0, ON_GPU: 0}, lambda: 0, most=1).next()


def node(address: str, cores: float, gpus: float = 0.0) -> placement.Node:
    return {"NodeID": address, "NodeManagerAddress": address, "Alive": True, "Resources": {"CPU": cores, "GPU": gpus}}


@pytest.fixture
def nodes(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Nodes]:
    def of(*found: placement.Node) -> Nodes:
        monkeypatch.setattr(placement, "_alive", lambda: list(found))
        return Nodes(NodeHealth(), {ON_CPU: Share(1), ON_GPU: Share(1, 0.25)})

    return of


def test_a_node_whose_cores_both_kinds_use_is_counted_once(nodes: Callable[..., Nodes]) -> None:
    shared = nodes(node("a", 16, 1))
    assert (shared.slots(ON_CPU), shared.slots(ON_GPU), shared.total()) == (16, 4, 16)
    apart = nodes(node("a", 16, 1), node("b", 8))
    assert (apart.slots(ON_CPU), apart.slots(ON_GPU), apart.total()) == (8, 4, 12)


@pytest.mark.parametrize(
    ("out", "most", "asked"),
    [
        ({}, 20, {ON_GPU: 4, ON_CPU: 0}),  # all that there is room for comes first, 16
        ({ON_GPU: 6, ON_CPU: 14}, 20, {ON_GPU: 0, ON_CPU: 0}),
        ({ON_GPU: 6, ON_CPU: 14}, 100, {ON_GPU: 40, ON_CPU: 40}),
        ({ON_GPU: 6, ON_CPU: 14}, None, {ON_GPU: 40, ON_CPU: 100}),
    ],
)
def test_what_an_autoscaler_is_asked_for_stays_within_the_bound(
    agenda: Agenda, out: dict[Place, int], most: int | None, asked: dict[Place, int]
) -> None:
    slots = {ON_CPU: 16, ON_GPU: 4}
    assert more(agenda, slots, 16, Counter(out), most) == asked


def test_runs_for_gpus_alone_ask_for_more_of_them_on_a_node_with_idle_cores(agenda: Agenda) -> None:
    """Of the node's sixteen cores they use four, since there are no more shares of its GPU."""
    for _ in range(SOLVES):
        (job,) = agenda.take_batch(0.0, ON_CPU)
        agenda.end(job, "done")
    asked = more(agenda, {ON_CPU: 16, ON_GPU: 4}, 16, Counter({ON_GPU: 6}), 20)
    assert asked == {ON_GPU: 14, ON_CPU: 0}


def test_what_both_kinds_ask_for_together_stays_within_the_bound(agenda: Agenda) -> None:
    asked = more(agenda, {ON_CPU: 2, ON_GPU: 4}, 6, Counter({ON_GPU: 6, ON_CPU: 4}), 60)
    assert asked == {ON_GPU: 40, ON_CPU: 10}
