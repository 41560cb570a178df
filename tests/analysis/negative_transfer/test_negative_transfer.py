"""Negative transfer on made-up stores whose truth is known: what is paired, what is flagged, and what is not."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import analysis.negative_transfer as nt
from analysis.cli import main
from analysis.negative_transfer import labels as labels_module
from analysis.negative_transfer.gain_figure import gain_figure
from analysis.negative_transfer.indicator import predicted_gain
from analysis.negative_transfer.labels import labels
from analysis.negative_transfer.over_sizes import first_crossing
from analysis.negative_transfer.pairs import Arm, matched_gain
from analysis.statistics.paired import paired_mean
from analysis.tables.collect import Tables, collect
from analysis.tables.load import read_sweep
from sweeps.spec import RunSpec
from tests.analysis import store_factory
from tests.analysis.store_factory import whole

SWEEP = """
name: partial
base:
  source: {task: "glyphs[A-Z]", size: 300}
  target: {task: digits, size: 200}
  model: {family: resnet, depth: 14, width: 4}
  train: {epochs: 20}
  transfer: {inherit: {share: 0.5}}
axes: {transfer.inherit.share: [0.25, 0.5, 1], target.size: [100, 200, 400], seed: 0..%d}
"""
Effect = Callable[[RunSpec], float]
"""Of a run with a source: its error less that from scratch, at the end."""


def noise(spec: RunSpec, draw: int) -> float:
    share = 0.0 if spec.transfer.inherit is None else (spec.transfer.inherit.share or 0.0)
    rng = np.random.default_rng([draw, spec.seed, spec.target.size, int(100 * share), spec.source is None])
    return 0.003 * rng.standard_normal()


def stored(folder: Path, effect: Effect, slow: float = 1.0, last_seed: int = 4, draw: int = 0) -> Tables:
    """Seeds differ by far more than the effect does. slow: how many times longer transfers take; draw: of the noise."""

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        scratch = spec.source is None
        pace = 1.0 if scratch else slow
        done = 1 - np.exp(-epochs / (3 * pace))
        final = 0.3 + 0.05 * spec.seed + (0.0 if scratch else effect(spec)) + noise(spec, draw)
        return 0.9 - (0.9 - final) * done, 0.5 * (1 - done)

    return collect(read_sweep(whole(folder, SWEEP % last_seed, curve), folder))


def outcomes(tables: Tables) -> dict[tuple[float, int], str]:
    return {
        (each.fields["transfer.inherit.share"], each.fields["target.size"]): each.outcome
        for each in nt.compare_with_scratch(tables)
    }


def by_share(spec: RunSpec) -> float:
    assert spec.transfer.inherit is not None and spec.transfer.inherit.share is not None
    return {0.25: 0.0, 0.5: 0.04, 1.0: -0.04}[spec.transfer.inherit.share]


def test_harm_and_help_are_told_from_nothing(tmp_path: Path) -> None:
    tables = stored(tmp_path, by_share)
    found = outcomes(tables)
    assert len(found) == 9  # runs from scratch are partners, and no cells of their own
    assert {found[0.5, size] for size in (100, 200, 400)} == {"negative"}
    assert {found[1.0, size] for size in (100, 200, 400)} == {"positive"}
    # Of the claims made, up to one in twenty may be false: among three cells without an effect at most one is.
    assert [found[0.25, size] for size in (100, 200, 400)].count("not distinguished") >= 2
    compared = nt.compare_with_scratch(tables)
    for each in compared:
        assert each.gain.n == 5 and [pair.seed for pair in each.pairs] == [0, 1, 2, 3, 4]
        assert each.gain.mean == pytest.approx(-by_share_of(each), abs=0.006)
    (everything,) = nt.shares(compared)
    assert (everything.tested, everything.negative, everything.positive) == (9, 3, 3)
    assert everything.share == pytest.approx(1 / 3) and 0 < everything.low < 1 / 3 < everything.high < 1


def by_share_of(each: nt.CellComparison) -> float:
    return {0.25: 0.0, 0.5: 0.04, 1.0: -0.04}[each.fields["transfer.inherit.share"]]


def test_under_no_effect_few_cells_are_flagged(tmp_path: Path) -> None:
    """Nine cells, no effect, five seeds: with the adjustment a false flag is rare."""
    sweeps = [outcomes(stored(tmp_path / str(draw), lambda spec: 0.0, draw=draw)) for draw in range(8)]
    flagged = [sum(outcome != "not distinguished" for outcome in found.values()) for found in sweeps]
    assert sum(number > 0 for number in flagged) <= 2, flagged  # 0.05 of the sweeps are expected to have any


def test_slow_training_alone_is_no_negative_transfer(tmp_path: Path) -> None:
    """Four times slower, the same error at the same train loss: worse at the end, and called undertrained."""
    tables = stored(tmp_path, lambda spec: 0.0, slow=8.0)
    for each in nt.compare_with_scratch(tables):
        assert each.gain.high < 0 and each.outcome == "undertrained"
        assert abs(each.matched.mean) < 0.02 < abs(each.gain.mean)
        assert each.train_losses[0] > 3 * each.train_losses[1]


def test_one_test_image_on_each_of_three_seeds_is_no_certainty(tmp_path: Path) -> None:
    """Errors are shares of 20 or of 2,000 images; a difference of .05 is one image, or a hundred."""

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return np.full(len(epochs), 0.3 + 0.05 * spec.seed + 0.05 * (spec.source is not None)), 1 / (1 + epochs)

    for images, outcome in ((20, "not distinguished"), (2000, "negative")):
        sweep, runs = store_factory.planned(SWEEP % 2, tmp_path / outcome)
        for spec in runs.values():
            store_factory.finished(tmp_path / outcome, spec, curve, test_samples=images)
        compared = nt.compare_with_scratch(collect(read_sweep(sweep, tmp_path / outcome)))
        assert {(round(each.gain.mean, 9), each.outcome) for each in compared} == {(-0.05, outcome)}


def test_equal_train_loss_is_tested_over_all_cells_too(tmp_path: Path) -> None:
    """All nine cells are worse at the end, as they train slowly; one has an effect: p = .01 is not enough."""
    for harm, outcome in ((0.018, "undertrained"), (0.026, "negative")):

        def effect(spec: RunSpec, harm: float = harm) -> float:
            assert spec.transfer.inherit is not None
            return harm * (spec.transfer.inherit.share == 0.5 and spec.target.size == 200)

        compared = nt.compare_with_scratch(stored(tmp_path / outcome, effect, slow=8.0))
        assert {each.q_value < 0.05 for each in compared} == {True}
        (harmed,) = [each for each in compared if each.matched.high < 0]
        assert harmed.outcome == outcome and harmed.negative_q_value == pytest.approx(9 * harmed.matched.p_value)
        assert sum(each.outcome == "undertrained" for each in compared) == 8 + (outcome == "undertrained")


def test_matching_reads_both_arms_where_they_first_reach_the_lowest_common_loss() -> None:
    own = Arm(np.array([0.5, 0.4, 0.3]), np.array([0.9, 0.6, 0.4]))
    scratch = Arm(np.array([0.6, 0.2, 0.1]), np.array([0.8, 0.2, 0.1]))
    # From scratch 0.4 was passed half way between 0.8 and 0.2, in logarithms, and so was the error of 0.4.
    assert matched_gain(own, scratch) == pytest.approx(0.4 - 0.3)
    assert matched_gain(scratch, own) == pytest.approx(0.3 - 0.4)
    nothing = Arm(np.array([0.5]), np.array([math.nan]))
    assert math.isnan(matched_gain(own, nothing))
    at_once = Arm(np.array([0.25]), np.array([0.05]))
    assert matched_gain(at_once, own) == pytest.approx(0.3 - 0.25)
    zero = Arm(np.array([0.5, 0.1]), np.array([0.9, 0.0]))
    assert matched_gain(zero, zero) == 0


def test_the_crossing_is_where_the_gain_turns(tmp_path: Path) -> None:
    """A gain of .04 at 100 samples, none at 200, a loss of .04 at 400."""
    tables = stored(tmp_path, lambda spec: 0.04 * (math.log2(spec.target.size / 100) - 1.0))
    found = nt.crossings(nt.compare_with_scratch(tables))
    assert len(found) == 3
    for each in found:
        assert each.direction == "gain to loss" and each.low is not None and each.high is not None
        assert each.size == pytest.approx(200, rel=0.1) and 100 < each.low <= each.size <= each.high < 400
    assert nt.crossings(nt.compare_with_scratch(stored(tmp_path / "none", lambda spec: 0.04))) == ()


def test_first_crossings() -> None:
    x = np.arange(4.0)
    assert first_crossing(x, np.array([2.0, 1.0, -1.0, 1.0])) == (1.5, True)
    assert first_crossing(x, np.array([-1.0, 0.0, 3.0, 1.0])) == (1.0, False)
    assert math.isnan(first_crossing(x, np.array([1.0, 0.0, 0.0, 2.0]))[0])


INHERIT = "[{share: 0.5}, {mode: none}, {mode: first_units, units: 3}, {mode: first_units, units: 9}, {share: 1}]"


def of_modes(folder: Path, recorded: bool = True) -> list[nt.CellComparison]:
    """Half of the filters, nothing, three and nine first units (a share of .1 and .7), and everything inherited."""
    text = SWEEP.replace("transfer.inherit.share: [0.25, 0.5, 1]", f"transfer.inherit: {INHERIT}")
    text = text.replace("{inherit: {share: 0.5}}", "{}")
    sweep, runs = store_factory.planned(text.replace("[100, 200, 400]", "[100]") % 2, folder)
    for spec in runs.values():
        share = {3: 0.1, 9: 0.7, None: None}[spec.transfer.inherit.units if spec.transfer.inherit else None]
        changes = {"inherited_share": share} if recorded and share is not None else {}
        store_factory.finished(folder, spec, store_factory.double_descent, **changes)
    return list(nt.compare_with_scratch(collect(read_sweep(sweep, folder))))


def drawn(compared: list[nt.CellComparison]) -> dict[str, list[float]]:
    """Where each line of the figure has its points, by its label."""
    (axes,) = gain_figure(compared).axes
    lines = [each for each in axes.lines if each.get_markerfacecolor() == "white"]
    names = [str(each.get_label()) for each in lines]  # a line without a label is `_child...`
    places = [np.asarray(each.get_xdata(), dtype=float).round(9).tolist() for each in lines]
    return dict(zip(["" if name.startswith("_") else name for name in names], places, strict=True))


def test_nothing_inherited_is_drawn_at_a_share_of_0(tmp_path: Path) -> None:
    """First units have a line of their own, at the share that is on record."""
    assert drawn(of_modes(tmp_path / "a")) == {"": [0.0, 0.5, 1.0], "first units": [0.1, 0.7]}
    assert drawn(of_modes(tmp_path / "b", recorded=False)) == {"": [0.0, 0.5, 1.0], "first units": []}


def test_too_few_seeds_are_not_tested(tmp_path: Path) -> None:
    tables = stored(tmp_path, by_share, last_seed=1)
    compared = nt.compare_with_scratch(tables)
    assert {each.outcome for each in compared} == {"not tested"}
    assert all(math.isnan(each.q_value) and each.gain.n == 2 for each in compared)
    (everything,) = nt.shares(compared)
    assert everything.tested == 0 and everything.share is None and "enough seeds" in everything.text()


def test_only_partners_that_are_done_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = store_factory.finished

    def without(store: Path, spec: RunSpec, *args: object, **changes: object) -> object:
        lost = spec.source is None and spec.seed == 3
        return real(store, spec, *args, **({**changes, "status": "diverged"} if lost else changes))  # pyright: ignore

    monkeypatch.setattr(store_factory, "finished", without)
    compared = nt.compare_with_scratch(stored(tmp_path, by_share))
    assert all([pair.seed for pair in each.pairs] == [0, 1, 2, 4] for each in compared)


def test_the_paired_interval_and_the_test_agree() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        found = paired_mean(0.01 + 0.01 * rng.standard_normal(5))
        assert (found.low > 0 or found.high < 0) == (found.p_value < 0.05)
    assert paired_mean([0.02, 0.02, 0.02]).p_value > 1e-4  # a few equal differences are not certainty
    assert math.isnan(paired_mean([0.02]).low) and paired_mean([]).n == 0
    same = paired_mean([-0.05, -0.07, -0.06])
    assert (round(same.low, 3), round(same.high, 3)) == (-0.085, -0.035)


def test_the_indicator_crosses_where_it_was_seen_to() -> None:
    def at(shared: float, noise: float) -> float:
        return predicted_gain(0.5, 200, 30, shared, 6 - shared, noise, 1.0, 1000)

    assert at(0.79, 0.5) < 1 < at(0.81, 0.5) and at(1.13, 1.0) < 1 < at(1.15, 1.0)
    assert at(0.0, 0.5) < at(0.0, 1.0) < 1
    assert predicted_gain(0.0, 200, 30, 2, 4, 0.5, 1.0, 1000) == pytest.approx(1)
    assert math.isnan(predicted_gain(0.5, 200, 30, 2, 4, 0.0, 1.0, 1000))


def test_the_frame_has_a_row_per_cell(tmp_path: Path) -> None:
    tables = stored(tmp_path, by_share)
    compared = nt.compare_with_scratch(tables)
    frame = nt.negative_transfer_frame(tables, compared)
    assert len(frame) == 9 and set(frame["outcome"]) == {"negative", "positive", "not distinguished"}
    assert set(frame["cell_id"]) <= set(tables.cells["cell_id"])
    gains, own, scratch = (frame[name].to_numpy() for name in ("gain", "test_error", "scratch_test_error"))
    np.testing.assert_allclose(gains, scratch - own, atol=1e-6)
    assert frame[["predicted_gain", "inherited_share"]].isna().to_numpy().all()
    assert frame["cell"].tolist() == labels(compared)
    assert frame["cell"].iloc[0] == "resnet14-w4, target.size = 100, transfer.inherit.share = 0.25"


def test_what_tells_cells_apart_is_looked_for_once_a_network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Once for each cell it took 29 s of 800 cells."""
    compared = nt.compare_with_scratch(stored(tmp_path, by_share))
    asked: list[int] = []
    original = labels_module._differing
    monkeypatch.setattr(
        labels_module, "_differing", lambda alike, told: asked.append(len(alike)) or original(alike, told)
    )
    assert len(set(labels(compared))) == 9 and asked == [9]


def test_two_seeds_are_too_few_for_a_crossing(tmp_path: Path) -> None:
    """As they are for any cell."""

    def crossing(spec: RunSpec) -> float:
        return 0.1 if spec.target.size > 150 else -0.1

    assert nt.crossings(nt.compare_with_scratch(stored(tmp_path / "three", crossing, last_seed=2)))
    assert not nt.crossings(nt.compare_with_scratch(stored(tmp_path / "two", crossing, last_seed=1)))


def test_the_command_and_the_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store, out = tmp_path / "store", tmp_path / "out"
    stored(store, by_share)
    (tmp_path / "sweep.yaml").write_text(SWEEP % 4)
    ask = [str(tmp_path / "sweep.yaml"), "--store", str(store)]
    assert main(["negative-transfer", *ask, "--out", str(out)]) == 0
    printed = capsys.readouterr().out
    assert "all networks: negative transfer in 3 of 9 cells (33 %, 95 % interval 12 to 65 %), positive in 3" in printed
    table = pd.read_csv(out / "negative_transfer.csv")
    assert len(table) == 9 and {path.name for path in out.iterdir()} >= {
        "negative_transfer.png",
        "negative_transfer.pdf",
    }
    assert main(["negative-transfer", *ask, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert len(found["cells"]) == 9 and found["shares"][0]["negative"] == 3 and found["crossings"] == []
    assert main(["report", *ask, "--out", str(out / "page.html")]) == 0
    assert "Negative transfer</h2>" in (out / "page.html").read_text()


def test_a_sweep_without_partners_is_refused_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = store_factory.sweep_text(epochs=5, frozen="[0, 8]", last_seed=0)
    whole(tmp_path / "store", text)
    (tmp_path / "sweep.yaml").write_text(text)
    assert main(["negative-transfer", str(tmp_path / "sweep.yaml"), "--store", str(tmp_path / "store")]) == 2
    assert "made-up: no finished run with a source has a finished partner" in capsys.readouterr().err
    assert (
        main(
            [
                "report",
                str(tmp_path / "sweep.yaml"),
                "--store",
                str(tmp_path / "store"),
                "--out",
                str(tmp_path / "a.html"),
            ]
        )
        == 0
    )
    assert "Negative transfer" not in (tmp_path / "a.html").read_text()
