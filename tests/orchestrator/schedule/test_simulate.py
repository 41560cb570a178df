"""Simulated launches: what comes out follows from what was put in, by arithmetic that can be done by hand."""

from __future__ import annotations

import math

import pytest

from orchestrator.schedule.agenda import Agenda
from orchestrator.schedule.cluster_model import Cluster, Outcome
from orchestrator.schedule.plan import Plan, make_plan
from orchestrator.schedule.simulate import makespan, simulate
from orchestrator.store.ledger import Ledger
from sweeps.errors import SpecError
from sweeps.sweep import parse

HOUR = 3600.0
SWEEP = """
name: simulated
base:
  source: {task: "glyphs[A-D]", size: 40, epochs: 100}
  target: {task: digits, size: 60}
  model: {family: resnet, depth: 8, width: 4}
  train: {epochs: 100}
axes:
  transfer.frozen: [0, 3, 5, 7]
  seed: 0..24
"""


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    """25 source models, four runs from each."""
    return make_plan(parse(SWEEP), Ledger(tmp_path_factory.mktemp("empty")))


def hours(plan: Plan, run: float = 1.0, source: float = 0.5) -> dict[str, float]:
    return {**dict.fromkeys(plan.sources, source * HOUR), **dict.fromkeys(plan.runs, run * HOUR)}


def parts(outcome: Outcome) -> float:
    return outcome.useful + outcome.slowed + outcome.redone + outcome.waited + outcome.idle


def test_without_disturbance_it_is_the_makespan(plan: Plan) -> None:
    seconds = hours(plan)
    outcome = simulate(plan, seconds, Cluster(25))
    assert outcome.wall == makespan(Agenda(plan, seconds, 25), 25, seconds) == 4.5 * HOUR
    assert outcome.efficiency == outcome.efficiency_until_idle == 1.0
    assert (outcome.done, outcome.failed, outcome.nodes_lost) == (125, 0, 0)


def test_nodes_are_given_back_after_their_last_job(plan: Plan) -> None:
    seconds = hours(plan)
    longest = next(iter(plan.runs))
    seconds[longest] = 20 * HOUR
    outcome = simulate(plan, seconds, Cluster(25, per_node=5), actual=seconds)
    total = sum(seconds.values())
    assert outcome.wall == 20.5 * HOUR  # after its source, before anything else
    assert outcome.held == 25 * outcome.wall
    assert outcome.efficiency == pytest.approx(total / outcome.held)
    assert total < outcome.held_until_idle <= total + 5 * outcome.wall  # one node of five waits for it


def test_what_is_lost_with_a_node_is_what_was_not_saved(plan: Plan) -> None:
    seconds, outcomes = hours(plan), {}
    for saved in (36.0, 1800.0):
        cluster = Cluster(25, per_node=5, lost_per_hour=0.5, replaced=300.0, noticed=100.0, saved=saved)
        outcomes[saved] = simulate(plan, seconds, cluster, seed=1)
    for outcome in outcomes.values():
        assert outcome.nodes_lost > 0 and outcome.done == 125 and outcome.failed == 0
        assert outcome.useful == pytest.approx(sum(seconds.values()))
        assert parts(outcome) == pytest.approx(outcome.held)
    assert 0 < outcomes[36.0].redone <= 36.0 * 5 * outcomes[36.0].nodes_lost
    assert outcomes[1800.0].redone > 5 * outcomes[36.0].redone


def test_a_run_that_is_told_before_its_node_goes_loses_nothing(plan: Plan) -> None:
    cluster = Cluster(25, per_node=5, lost_per_hour=0.5, notice=120.0, saved=1800.0)  # epochs take 18 and 36 s
    outcome = simulate(plan, hours(plan), cluster, seed=1)
    assert outcome.nodes_lost > 0 and outcome.redone == 0 and outcome.done == 125


def test_the_rate_of_losses_is_that_asked_for(plan: Plan) -> None:
    cluster = Cluster(50, lost_per_hour=0.05, replaced=0.0)
    losses, node_hours = 0, 0.0
    for seed in range(30):
        outcome = simulate(plan, hours(plan, run=10.0), cluster, seed=seed)
        losses, node_hours = losses + outcome.nodes_lost, node_hours + outcome.held / HOUR
    expected = -math.log(0.95) * node_hours
    assert abs(losses - expected) < 4 * math.sqrt(expected)


def test_slow_nodes_take_their_factor_longer(plan: Plan) -> None:
    outcome = simulate(plan, hours(plan), Cluster(25, slow_nodes=1.0, slow_factor=2.0))
    assert outcome.wall == 9 * HOUR
    assert outcome.slowed == outcome.useful == pytest.approx(sum(hours(plan).values()))


def test_a_slow_driver_serves_one_after_the_other(plan: Plan) -> None:
    seconds = hours(plan, run=1 / HOUR, source=1 / HOUR)
    outcome = simulate(plan, seconds, Cluster(25, driver=1.0), actual=seconds)
    assert outcome.wall == pytest.approx(125 + 1)  # one job a second, and the last one's own second
    assert outcome.driver_busy == 125


def test_a_slow_store_takes_one_commit_after_the_other(plan: Plan) -> None:
    seconds = hours(plan, run=1 / HOUR, source=1 / HOUR)
    cluster = Cluster(25, store_rate=12.5 + 6.0, beat=2.0)  # 12.5 heartbeats a second leave one commit a second
    assert cluster.commit() == pytest.approx(1.0)
    outcome = simulate(plan, seconds, cluster)
    assert 125 <= outcome.wall <= 130


def test_spread_keeps_the_mean_and_equal_seeds_are_equal(plan: Plan) -> None:
    cluster = Cluster(25, spread=0.3)
    one, same, other = (simulate(plan, hours(plan), cluster, seed=seed) for seed in (0, 0, 1))
    assert one == same and one.wall != other.wall
    assert one.useful == pytest.approx(sum(hours(plan).values()), rel=4 * 0.3 / math.sqrt(125))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"lost_per_hour": 1.5}, "--lost-per-hour 1.5: allowed: 0 to 0.99"),
        ({"per_node": 0}, "--per-node 0: allowed: 1 or more"),
        ({"spread": math.nan}, "--spread nan: allowed: 0 to 2"),
        ({"store_rate": 4.0}, "--store-rate 4: 8 workers write 4 heartbeats a second alone; allowed: more than that"),
    ],
)
def test_what_cannot_be_is_refused(given: dict[str, float], told: str) -> None:
    with pytest.raises(SpecError) as refused:
        Cluster(8, **given)  # pyright: ignore[reportArgumentType]
    assert str(refused.value).startswith(told) and "\n" not in str(refused.value)
