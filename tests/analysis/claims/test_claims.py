"""Claims on sweeps whose truth is known: each is supported, contradicted and left open where it should be."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.claims.decide import ClaimVerdict, all_claims
from analysis.claims.sources import UnknownTask
from analysis.cli import main
from analysis.statistics.intervals import share_interval
from analysis.statistics.trend import trend
from analysis.tables.collect import Tables, collect
from analysis.tables.load import read_sweep
from sweeps.spec import RunSpec
from tests.analysis.store_factory import Curve, double_descent, whole

SWEEP = """
name: claims
base:
  source: {task: digits, size: 300}
  target: {task: digits, size: 200, label_noise: 0.2}
  model: {family: resnet, depth: 14, width: 4}
  train: {epochs: 60}
axes: {%s, seed: 0..4}
"""


def _tables(store: Path, axes: str, curve: Curve) -> Tables:
    return collect(read_sweep(whole(store, SWEEP % axes, curve), store))


def _claim(store: Path, number: int, axes: str, curve: Curve) -> ClaimVerdict:
    return all_claims(_tables(store, axes, curve))[number - 1]


def bump(
    height: Callable[[RunSpec], float], at: float = 10.0, slow: Callable[[RunSpec], float] = lambda _: 4.0
) -> Curve:
    """Curves with one bump; `slow` is the time constant of the train error in epochs."""

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([spec.seed, spec.target.size])
        shape = np.exp(-((np.log(epochs / at) / 0.4) ** 2))
        test = 0.2 + 0.4 * np.exp(-epochs / 2) + height(spec) * shape + 0.001 * rng.standard_normal(len(epochs))
        return test, 0.7 * np.exp(-epochs / slow(spec))

    return curve


SIZES = "target.size: [100, 200, 400]"


def test_c1_follows_the_prominence(tmp_path: Path) -> None:
    rising = _claim(tmp_path / "up", 1, SIZES, bump(lambda spec: 0.0005 * spec.target.size))
    assert (rising.decision, rising.groups, rising.satisfied) == ("supported", 1, 1)
    (test,) = rising.tests
    assert test.evidence.n == 5
    assert test.evidence.effect == 1.0
    assert test.evidence.p_for == pytest.approx((1 / 6) ** 5)
    falling = _claim(tmp_path / "down", 1, SIZES, bump(lambda spec: 16.0 / spec.target.size))
    assert falling.decision == "contradicted"
    level = _claim(tmp_path / "level", 1, SIZES, bump(lambda _: 0.0))
    assert level.decision == "undecided"
    assert level.tests[0].evidence.effect == 0.0


def test_c1_without_sizes_is_undecided_and_says_why(tmp_path: Path) -> None:
    claim = _claim(tmp_path, 1, "target.size: [100]", bump(lambda _: 0.05))
    assert (claim.decision, claim.groups, claim.share) == ("undecided", 0, None)
    assert claim.reason == "no group of cells differs in target.size alone"


def test_c2_a_run_that_never_interpolates_is_later_than_all(tmp_path: Path) -> None:
    def slower(spec: RunSpec) -> float:
        assert spec.source is not None
        return {300: 5.0, 600: 9.0, 1200: 1000.0}[spec.source.size]

    claim = _claim(tmp_path, 2, "source.size: [300, 600, 1200]", bump(lambda _: 0.12, slow=slower))
    assert claim.decision == "supported"
    outcomes = {test.evidence.measure: (test.outcome, test.evidence) for test in claim.tests}
    assert outcomes["epochs to 5 % train error against source.size"][0] == "for"
    assert outcomes["epochs to 5 % train error against source.size"][1].effect == 1.0
    assert outcomes["epochs to 5 % train error against source.size"][1].detail.endswith("more than 61 at 1200")
    assert outcomes["peak epoch against source.size"][0] == "open"


def test_c2_nobody_crosses_is_no_evidence(tmp_path: Path) -> None:
    claim = _claim(tmp_path, 2, "source.size: [300, 600]", bump(lambda _: 0.05, slow=lambda _: 1e4))
    assert claim.decision == "undecided"
    crossings = [test.evidence for test in claim.tests if "train error" in test.evidence.measure]
    assert {(evidence.effect, evidence.p_for) for evidence in crossings} == {(0.0, 1.0)}


def test_c3_peak_at_the_threshold_supports_and_elsewhere_contradicts(tmp_path: Path) -> None:
    axes = "transfer.frozen: all"
    claim = _claim(tmp_path / "near", 3, axes, double_descent)
    assert claim.decision == "supported"
    (test,) = claim.tests
    assert test.evidence.effect == pytest.approx(0.06, abs=0.01)

    def elsewhere(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        test, _ = double_descent(spec, epochs)
        return test, np.full(len(epochs), 0.3 if spec.transfer.frozen > 5 else 0.0)

    assert _claim(tmp_path / "far", 3, axes, elsewhere).decision == "contradicted"

    def monotone(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        test, train = double_descent(spec, epochs)
        return test * 0 + 0.2 + 0.01 * spec.transfer.frozen + 1e-3 * spec.seed, train

    claim = _claim(tmp_path / "none", 3, axes, monotone)
    assert (claim.decision, claim.groups, claim.satisfied) == ("undecided", 1, 0)


def _by_source(difference: Callable[[int], float]) -> Curve:
    """`difference` is the error of letters less that of digits, by frozen depth."""

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert spec.source is not None
        letters = spec.source.task.startswith("glyphs")
        rng = np.random.default_rng([spec.seed, spec.transfer.frozen, letters])
        level = 0.3 + difference(spec.transfer.frozen) * letters + 0.002 * rng.standard_normal() + 0.01 * spec.seed
        return np.full(len(epochs), level), np.full(len(epochs), 0.02)

    return curve


PAIR = 'transfer.frozen: [0, 4, 8, 12], source.task: ["glyphs[A-Z]", digits]'


def test_c4_needs_both_signs(tmp_path: Path) -> None:
    crossing = _claim(tmp_path / "cross", 4, PAIR, _by_source(lambda frozen: 0.05 if frozen > 6 else -0.05))
    assert crossing.decision == "supported"
    (test,) = crossing.tests
    assert test.evidence.group == "resnet14-w4, glyphs[A-Z] against digits (more related)"
    assert test.evidence.effect == pytest.approx(-0.05, abs=0.005)
    assert "better at frozen = 0, 4, most at" in test.evidence.detail
    always = _claim(tmp_path / "always", 4, PAIR, _by_source(lambda _: 0.05))
    assert always.decision == "contradicted"
    same = _claim(tmp_path / "same", 4, PAIR, _by_source(lambda _: 0.0))
    assert same.decision == "undecided"


def test_c4_the_order_of_relatedness_can_be_given(tmp_path: Path) -> None:
    tables = _tables(tmp_path, PAIR, _by_source(lambda _: 0.05))
    given = all_claims(tables, ["glyphs[A-Z]", "digits"])[3]
    assert given.tests[0].evidence.group.endswith("digits against glyphs[A-Z] (more related)")
    assert given.tests[0].evidence.effect == pytest.approx(-0.05, abs=0.005)
    with pytest.raises(UnknownTask, match=r"no run has the source task 'letters'; allowed: digits, glyphs\[A-Z\]"):
        all_claims(tables, ["letters"])


def test_many_groups_are_adjusted_together(tmp_path: Path) -> None:
    """One group of twelve with p = 1/32 is not enough once twelve were looked at; alone it is."""

    def one_of_twelve(spec: RunSpec) -> float:
        return 0.0005 * spec.target.size if spec.transfer.frozen == 0 else 0.0

    alone = _claim(tmp_path / "a", 1, "target.size: [200, 400], transfer.frozen: [0]", bump(one_of_twelve))
    many = _claim(tmp_path / "b", 1, "target.size: [200, 400], transfer.frozen: 0..11", bump(one_of_twelve))
    assert alone.decision == "supported"
    assert min(test.evidence.p_for or 1.0 for test in many.tests) == pytest.approx(1 / 32)
    assert (many.decision, many.groups) == ("undecided", 12)


def test_trend_is_the_exact_permutation_distribution() -> None:
    rng = np.random.default_rng(3)
    values = rng.integers(0, 4, size=(2, 4)).astype(float)
    found = trend([[(value, value) for value in seed] for seed in values])
    assert found is not None

    def score(seed) -> int:
        return sum(int(np.sign(b - a)) for a, b in itertools.combinations(seed, 2))

    orders = [[score(order) for order in itertools.permutations(seed)] for seed in values]
    sums = [first + second for first in orders[0] for second in orders[1]]
    observed = sum(score(seed) for seed in values)
    assert found.p_up == pytest.approx(np.mean(np.array(sums) >= observed))
    assert found.p_down == pytest.approx(np.mean(np.array(sums) <= observed))


def test_trend_is_calibrated() -> None:
    """Under no trend p is at most 0.05 in at most 5 % of samples: 2,000 samples, standard error 0.5 %."""
    rng = np.random.default_rng(11)
    samples = [trend([[(v, v) for v in rng.standard_normal(4)] for _ in range(3)]) for _ in range(2000)]
    rejected = np.mean([found is not None and found.p_up <= 0.05 for found in samples])
    assert 0.02 <= rejected <= 0.06


def test_trend_compares_ranges_only_where_they_are_apart() -> None:
    censored = trend([[(5.0, 5.0), (61.0, np.inf)], [(61.0, np.inf), (61.0, np.inf)], [(70.0, 70.0), (61.0, np.inf)]])
    assert censored is not None
    assert censored.tau == pytest.approx(1 / 3)
    assert trend([[(1.0, 1.0)]]) is None


def test_share_interval() -> None:
    assert share_interval(0, 0) == (0.0, 1.0)
    low, high = share_interval(5, 10)  # Newcombe 1998, table I has the like
    assert (low, high) == pytest.approx((0.2366, 0.7634), abs=1e-4)


def test_command_line_prints_the_contract(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = SWEEP % PAIR
    (tmp_path / "sweep.yaml").write_text(text)
    whole(tmp_path / "store", text, _by_source(lambda frozen: 0.05 if frozen > 6 else -0.05))
    arguments = ["claims", str(tmp_path / "sweep.yaml"), "--store", str(tmp_path / "store")]
    assert main([*arguments, "--json"]) == 0
    claims = json.loads(capsys.readouterr().out)
    assert [claim["claim"] for claim in claims] == ["C1", "C2", "C3", "C4"]
    assert [claim["decision"] for claim in claims] == ["undecided", "undecided", "undecided", "supported"]
    assert claims[3]["tests"][0]["outcome"] == "for"
    assert main(arguments) == 0
    assert "C4 supported: 1 of 1 group shows it (100 %, 95 % interval 21 to 100 %)" in capsys.readouterr().out
    assert main([*arguments, "--related", "letters"]) == 2
    assert capsys.readouterr().err == (
        "error: --related: no run has the source task 'letters'; allowed: digits, glyphs[A-Z]\n"
    )
