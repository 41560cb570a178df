"""Claims on sweeps whose truth is known: each is supported, contradicted and left open where it should be."""

import itertools
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from analysis.claims.decide import ClaimVerdict, all_claims, judge
from analysis.claims.evidence import Evidence
from analysis.claims.sources import MARGIN, Pair, UnknownTask, better, on_par, pairs
from analysis.cli import main
from analysis.report.claim_files.panels import difference_panel
from analysis.statistics.intervals import share_interval
from analysis.statistics.trend import trend
from analysis.tables.along_axes import freezing_wise
from analysis.tables.collect import Tables, collect
from analysis.tables.load import read_sweep
from sweeps.spec import RunSpec
from tests.analysis.store_factory import Curve, double_descent, finished, planned, whole

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


def _claim(store: Path, claim: str, axes: str, curve: Curve, part: str | None = None) -> ClaimVerdict:
    return _of(all_claims(_tables(store, axes, curve)), claim, part)


def _of(claims: tuple[ClaimVerdict, ...], claim: str, part: str | None = None) -> ClaimVerdict:
    (found,) = [each for each in claims if (each.claim, each.part) == (claim, part)]
    return found


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
    rising = _claim(tmp_path / "up", "C1", SIZES, bump(lambda spec: 0.0005 * spec.target.size))
    assert (rising.decision, rising.groups, rising.satisfied) == ("supported", 1, 1)
    (test,) = rising.tests
    assert test.evidence.n == 5
    assert test.evidence.effect == 1.0
    assert test.evidence.p_for == pytest.approx((1 / 6) ** 5)
    falling = _claim(tmp_path / "down", "C1", SIZES, bump(lambda spec: 16.0 / spec.target.size))
    assert falling.decision == "contradicted"
    level = _claim(tmp_path / "level", "C1", SIZES, bump(lambda _: 0.0))
    assert level.decision == "undecided"
    assert level.tests[0].evidence.effect == 0.0


def test_c1_without_sizes_is_undecided_and_says_why(tmp_path: Path) -> None:
    claim = _claim(tmp_path, "C1", "target.size: [100]", bump(lambda _: 0.05))
    assert (claim.decision, claim.groups, claim.share) == ("undecided", 0, None)
    assert claim.reason == "no group of cells differs in target.size alone"


def test_c2_a_run_that_never_interpolates_is_later_than_all(tmp_path: Path) -> None:
    def slower(spec: RunSpec) -> float:
        assert spec.source is not None
        return {300: 5.0, 600: 9.0, 1200: 1000.0}[spec.source.size]

    claims = all_claims(_tables(tmp_path, "source.size: [300, 600, 1200]", bump(lambda _: 0.12, slow=slower)))
    claim, peak = _of(claims, "C2", "interpolation time"), _of(claims, "C2", "peak time")
    assert (claim.decision, peak.decision) == ("supported", "undecided")
    outcomes = {test.evidence.measure: (test.outcome, test.evidence) for test in claim.tests}
    assert outcomes["epochs to 5 % train error against source.size"][0] == "for"
    assert outcomes["epochs to 5 % train error against source.size"][1].effect == 1.0
    assert outcomes["epochs to 5 % train error against source.size"][1].detail.endswith("more than 61 at 1200")
    assert [test.outcome for test in peak.tests] == ["open"]


def test_c2_the_peak_may_come_later_where_interpolation_does_not(tmp_path: Path) -> None:
    def later(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert spec.source is not None
        return bump(lambda _: 0.12, at={300: 8.0, 600: 12.0, 1200: 18.0}[spec.source.size])(spec, epochs)

    claims = all_claims(_tables(tmp_path, "source.size: [300, 600, 1200]", later))
    assert _of(claims, "C2", "peak time").decision == "supported"
    assert _of(claims, "C2", "interpolation time").decision == "undecided"


@pytest.mark.parametrize(("claim", "part", "axis"), [("C1", None, "target.size"), ("C2", "peak time", "source.size")])
def test_two_seeds_are_not_tested(tmp_path: Path, claim: str, part: str | None, axis: str) -> None:
    def rising(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert spec.source is not None
        size = spec.target.size / 200 if axis == "target.size" else spec.source.size / 300
        return bump(lambda _: 0.1 + 0.02 * size, at=10.0 if axis == "target.size" else 8.0 * size)(spec, epochs)

    sweep = SWEEP.replace("seed: 0..4", "seed: 0..1") % f"{axis}: [300, 600, 900, 1200]"
    found = _of(all_claims(collect(read_sweep(whole(tmp_path, sweep, rising), tmp_path))), claim, part)
    (test,) = found.tests
    assert (found.decision, test.evidence.effect, test.evidence.p_for) == ("undecided", 1.0, None)
    assert "not tested, 2 of at least 3 seeds" in test.evidence.detail


def test_c2_nobody_crosses_is_no_evidence(tmp_path: Path) -> None:
    claim = _claim(
        tmp_path, "C2", "source.size: [300, 600]", bump(lambda _: 0.05, slow=lambda _: 1e4), "interpolation time"
    )
    assert claim.decision == "undecided"
    crossings = [test.evidence for test in claim.tests if "train error" in test.evidence.measure]
    assert {(evidence.effect, evidence.p_for) for evidence in crossings} == {(0.0, 1.0)}


def test_c3_peak_at_the_threshold_supports_and_elsewhere_contradicts(tmp_path: Path) -> None:
    axes = "transfer.frozen: all"
    claim = _claim(tmp_path / "near", "C3", axes, double_descent)
    assert claim.decision == "supported"
    (test,) = claim.tests
    assert test.evidence.effect == pytest.approx(0.06, abs=0.01)

    def elsewhere(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        test, _ = double_descent(spec, epochs)
        return test, np.full(len(epochs), 0.3 if spec.transfer.frozen > 5 else 0.0)

    assert _claim(tmp_path / "far", "C3", axes, elsewhere).decision == "contradicted"

    def monotone(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        test, train = double_descent(spec, epochs)
        return test * 0 + 0.2 + 0.01 * spec.transfer.frozen + 1e-3 * spec.seed, train

    claim = _claim(tmp_path / "none", "C3", axes, monotone)
    assert (claim.decision, claim.groups, claim.satisfied) == ("undecided", 1, 0)


def _by_source(level: Callable[[int], float], difference: Callable[[int], float], noise: float = 0.002) -> Curve:
    """`level` is the final error of digits by frozen depth, `difference` that of letters less that of digits."""

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        assert spec.source is not None
        letters, frozen = spec.source.task.startswith("glyphs"), spec.transfer.frozen
        rng = np.random.default_rng([spec.seed, frozen, letters])
        final = level(frozen) + difference(frozen) * letters + noise * rng.standard_normal() + 0.01 * spec.seed
        train = 0.0 if frozen < 9 else 0.1 * (frozen - 8)
        return np.full(len(epochs), final), np.full(len(epochs), train)

    return curve


def freezing_peak(frozen: int) -> float:
    """Head alone .24, a minimum of .20 at 10, a peak of .32 at 8, .24 from 4 on."""
    return {12: 0.24, 10: 0.20, 8: 0.32, 6: 0.27, 4: 0.24, 2: 0.24, 0: 0.24}[frozen]


def flat(frozen: int) -> float:
    return 0.3


PAIR = 'transfer.frozen: [0, 2, 4, 6, 8, 10, 12], source.task: ["glyphs[A-Z]", digits]'


def head_only(frozen: int) -> float:
    """The less related source is worse with a frozen body, and better at the peak of the more related one."""
    return {12: 0.06, 8: -0.05}.get(frozen, 0.0)


def test_c4_a_less_related_source_wins_at_the_peak_of_a_double_descent(tmp_path: Path) -> None:
    found = all_claims(_tables(tmp_path, PAIR, _by_source(freezing_peak, head_only)))
    better, on_par = (_of(found, "C4", part) for part in ("better", "on par"))
    assert (better.decision, on_par.decision) == ("supported", "supported")
    (test,) = better.tests
    assert test.evidence.group == "resnet14-w4, glyphs[A-Z] against digits (more related)"
    assert test.evidence.effect == pytest.approx(-0.05, abs=0.005)
    assert "in a double descent at frozen = " in test.evidence.detail and "closest there at 8" in test.evidence.detail


def test_c4_two_lines_that_cross_are_no_double_descent(tmp_path: Path) -> None:
    crossing = _by_source(flat, lambda frozen: 0.05 if frozen > 6 else -0.05)
    found = all_claims(_tables(tmp_path, PAIR, crossing))
    for part in ("better", "on par"):
        claim = _of(found, "C4", part)
        assert claim.decision == "undecided"
        assert "the more related one shows no double descent" in claim.tests[0].evidence.detail


def test_c4_worse_everywhere_contradicts_and_the_same_decides_nothing(tmp_path: Path) -> None:
    always = all_claims(_tables(tmp_path / "always", PAIR, _by_source(freezing_peak, lambda _: 0.05)))
    assert [_of(always, "C4", part).decision for part in ("better", "on par")] == ["contradicted", "contradicted"]
    # Equal sources: neither is the more related one, whatever the order of two means.
    same = all_claims(_tables(tmp_path / "same", PAIR, _by_source(freezing_peak, lambda _: 0.0)))
    assert [_of(same, "C4", part).decision for part in ("better", "on par")] == ["undecided", "undecided"]


def test_c4_on_par_needs_the_margin(tmp_path: Path) -> None:
    """Half a point worse at the peak is on par, at a margin of one point; a point and a half worse is not."""
    decisions = {}
    for name, at_peak in (("near", 0.005), ("far", 0.015)):
        curve = _by_source(freezing_peak, lambda frozen, worse=at_peak: {12: 0.06, 8: worse}.get(frozen, 0.05), 0.001)
        found = all_claims(_tables(tmp_path / name, PAIR, curve))
        decisions[name] = [_of(found, "C4", part).decision for part in ("better", "on par")]
    assert decisions["near"][1] == "supported" and decisions["near"][0] != "supported"
    assert decisions["far"][1] != "supported"


def test_c4_the_order_of_relatedness_can_be_given(tmp_path: Path) -> None:
    tables = _tables(tmp_path, PAIR, _by_source(freezing_peak, lambda _: 0.05))
    given = _of(all_claims(tables, ["glyphs[A-Z]", "digits"]), "C4", "better")
    assert given.tests[0].evidence.group.endswith("digits against glyphs[A-Z] (more related)")
    assert given.tests[0].evidence.effect == pytest.approx(-0.05, abs=0.005)
    with pytest.raises(UnknownTask, match=r"no run has the source task 'letters'; allowed: digits, glyphs\[A-Z\]"):
        all_claims(tables, ["letters"])


def test_c4_interval_and_p_value_hold_equal_differences_for_no_certainty() -> None:
    found = better(Pair("a pair", {3.0: np.full(3, -0.02)}, frozenset({3.0}), given=True))
    assert found.effect == pytest.approx(-0.02) and found.low is not None and found.high is not None
    assert found.low < -0.022 and -0.018 < found.high < 0 and found.p_for is not None and 0.0001 < found.p_for < 0.01


def test_c4_one_test_image_on_each_of_three_seeds_is_no_certainty(tmp_path: Path) -> None:
    """At the peak the less related source is better by one of 100 test images on each seed, or by 100 of 10,000."""
    text = (SWEEP % PAIR).replace("seed: 0..4", "seed: 0..2")
    curve = _by_source(freezing_peak, lambda frozen: -0.01 if frozen == 8 else 0.0, noise=0.0)
    drawn: list[float] = []
    for images, decision in ((100, "undecided"), (10_000, "supported")):
        store = tmp_path / decision
        sweep, runs = planned(text, store)
        for spec in runs.values():
            finished(store, spec, curve, test_samples=images)
        tables = collect(read_sweep(sweep, store))
        claim = _of(all_claims(tables, ["digits", "glyphs[A-Z]"]), "C4", "better")
        assert (claim.decision, claim.tests[0].evidence.effect) == (decision, pytest.approx(-0.01)), images
        (pair,) = pairs(tables, freezing_wise(tables), ["digits", "glyphs[A-Z]"])
        axes = Figure().subplots()
        difference_panel(axes, pair)
        (intervals,) = [each for each in axes.collections if isinstance(each, LineCollection)]
        drawn.append(max(float(np.ptp(segment[:, 1])) for segment in intervals.get_segments()))
        evidence = claim.tests[0].evidence
        assert evidence.low is not None and evidence.high is not None
        assert drawn[-1] == pytest.approx(100 * (evidence.high - evidence.low))
    assert drawn[0] > 4 * drawn[1]


def test_c4_equal_sources_are_told_apart_in_at_most_five_per_cent() -> None:
    """2,000 pairs of equal sources whose double descent is real: 5 seeds, 7 depths, standard error 0.5 %."""
    rng = np.random.default_rng(7)
    called = {"better": 0, "given": 0, "on par": 0}
    for _ in range(2000):
        differences = {float(depth): 0.01 * rng.standard_normal(5) for depth in range(7)}
        inside = frozenset({2.0, 3.0, 4.0})
        worse = {depth: values + MARGIN for depth, values in differences.items()}
        called["better"] += decided(better(Pair("a", differences, inside, given=False)))
        called["given"] += decided(better(Pair("a", differences, inside, given=True)))
        called["on par"] += decided(on_par(Pair("a", worse, inside, given=True)))
    assert max(called.values()) <= 0.06 * 2000, called


def decided(evidence: Evidence) -> bool:
    return judge("C4", "", "", [evidence]).decision == "supported"


def test_many_groups_are_adjusted_together(tmp_path: Path) -> None:
    """One group of twelve with p = 1/32 is not enough once twelve were looked at; alone it is."""

    def one_of_twelve(spec: RunSpec) -> float:
        return 0.0005 * spec.target.size if spec.transfer.frozen == 0 else 0.0

    alone = _claim(tmp_path / "a", "C1", "target.size: [200, 400], transfer.frozen: [0]", bump(one_of_twelve))
    many = _claim(tmp_path / "b", "C1", "target.size: [200, 400], transfer.frozen: 0..11", bump(one_of_twelve))
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
    whole(tmp_path / "store", text, _by_source(freezing_peak, head_only))
    arguments = ["claims", str(tmp_path / "sweep.yaml"), "--store", str(tmp_path / "store")]
    assert main([*arguments, "--json"]) == 0
    claims = json.loads(capsys.readouterr().out)
    assert [claim["claim"] for claim in claims] == ["C1", "C2", "C2", "C3", "C4", "C4"]
    assert [claim["part"] for claim in claims] == [None, "interpolation time", "peak time", None, "better", "on par"]
    assert [claim["decision"] for claim in claims[:3]] == ["undecided"] * 3
    assert [claim["decision"] for claim in claims[4:]] == ["supported", "supported"]
    assert claims[4]["tests"][0]["outcome"] == "for"
    assert main(arguments) == 0
    assert "C4 (better) supported: 1 of 1 group shows it (100 %, 95 % interval 21 to 100 %)" in capsys.readouterr().out
    assert main([*arguments, "--related", "letters"]) == 2
    assert capsys.readouterr().err == (
        "error: --related: no run has the source task 'letters'; allowed: digits, glyphs[A-Z]\n"
    )
