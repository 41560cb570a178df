"""Advice on small stores whose truth is known: a clear best, a tie, a peak, too few seeds, several target sizes."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from analysis.advice import Advice, DepthAdvice, advice_frame, advice_lines, advise
from analysis.advice.network import NetworkAdvice
from analysis.advice.show import print_advice
from analysis.advice.wording import HOW, network_lines, short_text
from analysis.tables.along_axes import along_every_axis
from analysis.tables.collect import Tables, collect
from analysis.tables.load import read_sweep
from sweeps.spec import RunSpec
from tests.analysis.store_factory import finished, planned, sweep_text, whole

WEIGHTS = "sha256:" + "5" * 64
SWEEP = """
name: advice
base:
  source: {source}
  target: {{task: digits, size: 800}}
  model: {{family: resnet, depth: 14, width: 4, weights: {weights}}}
  train: {{epochs: 12}}
axes: {{transfer.frozen: [0, 4, 8, 12], seed: 0..{last}}}
blocks:
  - base: {{source: null, model: {{weights: null}}}}
    axes: {{seed: 0..{last}}}
"""
SOURCE = '{task: "glyphs[A-Z]", size: 300}'
Errors = Callable[[RunSpec], float]


def text(source: str = SOURCE, weights: str = "null", last: int = 4) -> str:
    return SWEEP.format(source=source, weights=weights, last=last)


def curve(error_of: Errors, noise: float = 0.004):
    """Curves that have settled; the level of a seed is shared by its runs."""

    def made(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng([spec.seed, spec.transfer.frozen, spec.target.size, spec.source is None])
        level = error_of(spec) + 0.03 * np.sin(spec.seed) + noise * rng.standard_normal()
        return np.full(len(epochs), level), np.zeros(len(epochs))

    return made


def by_depth(errors: dict[int, float], scratch: float) -> Errors:
    def error_of(spec: RunSpec) -> float:
        starts = spec.source is not None or spec.model.weights is not None
        return errors[spec.transfer.frozen] if starts else scratch

    return error_of


CLEAR = by_depth({0: 0.20, 4: 0.18, 8: 0.10, 12: 0.33}, scratch=0.25)
TIE = by_depth({0: 0.20, 4: 0.12, 8: 0.12, 12: 0.12}, scratch=0.12)


def advised(store: Path, sweep: str, error_of: Errors, noise: float = 0.004) -> tuple[Tables, Advice]:
    tables = collect(read_sweep(whole(store, sweep, curve(error_of, noise)), store))
    return tables, advise(tables)


def depth(network: NetworkAdvice, frozen: int) -> DepthAdvice:
    found = network.at(frozen)
    assert found is not None
    return found


@pytest.mark.parametrize(("source", "weights"), [(SOURCE, "null"), ("null", WEIGHTS)])
def test_a_clear_best_and_what_is_worse_than_from_scratch(tmp_path: Path, source: str, weights: str) -> None:
    """From a source model and from given weights alike."""
    _, advice = advised(tmp_path, text(source, f'"{weights}"' if weights != "null" else weights), CLEAR)
    (network,) = advice.networks
    assert network.group == "resnet14-w4"
    assert (network.decision, network.best, network.among_best, network.seeds) == ("one_depth", 8, (8,), 5)
    assert [each.against_scratch for each in network.depths] == ["better", "better", "better", "worse"]
    assert [each.avoid for each in network.depths] == [(), (), (), ("worse_than_scratch",)]
    best = depth(network, 8)
    assert best.unit == "unit7" and best.seconds == pytest.approx(1.5)
    assert best.error is not None and best.low is not None and best.high is not None
    assert best.low < best.error < best.high and best.error == pytest.approx(0.10, abs=0.03)
    assert network.cheapest == 8 and network.chosen_alike == 1.0 and network.unsettled == ()
    assert network.untried == (5, 6, 7, 9, 10, 11)
    lines = network_lines(network)
    assert lines[0].startswith("freeze the first 8 units (up to unit7): test error ")
    assert "each of the other 3 depths is worse, adjusted for their number" in lines
    assert any(
        line.startswith("stay away from 12: negative transfer, worse than training from scratch by +") for line in lines
    )
    assert best.scratch == pytest.approx(-0.15, abs=0.01) and depth(network, 12).scratch == pytest.approx(
        0.08, abs=0.01
    )
    assert any(line.startswith("against training from scratch: -1") and line.endswith("better") for line in lines)


def test_a_tie_names_all_that_cannot_be_told_apart(tmp_path: Path) -> None:
    def seconds(spec: RunSpec) -> float:
        return 9.0 - spec.transfer.frozen / 2

    sweep, runs = planned(text(), tmp_path)
    for spec in runs.values():
        finished(tmp_path, spec, curve(TIE, 0.004), compute_seconds=seconds(spec))
    advice = advise(collect(read_sweep(sweep, tmp_path)))
    (network,) = advice.networks
    assert network.decision == "several_depths" and network.among_best == (4, 8, 12)
    assert network.best in network.among_best and network.cheapest == 12
    assert network.best is not None and depth(network, network.best).against_scratch == "not distinguished"
    assert depth(network, 12).seconds == pytest.approx(3.0)
    others = [str(each) for each in network.among_best if each != network.best]
    assert f"not told apart: {', '.join(others)}" in short_text(network)
    assert network.untried == (1, 2, 3, 5, 6, 7, 9, 10, 11, 13)
    assert (depth(network, 0).p_best or 0.0) < 0.05


def test_the_peak_of_a_double_descent_is_to_be_avoided(tmp_path: Path) -> None:
    tables = collect(read_sweep(whole(tmp_path, sweep_text(epochs=40, last_seed=4)), tmp_path))
    (network,) = advise(tables).networks
    assert (network.best, network.among_best) == (12, (12,)) and network.significance == "significant"
    assert [each.frozen for each in network.depths if "double_descent" in each.avoid] == [10]
    assert network.peak == 10 and depth(network, 10).among_best is False
    (line,) = [line for line in network_lines(network) if line.startswith("stay away from 10")]
    assert "the peak of a double descent" in line and "train error" in line and "points behind the best" in line
    assert "training from scratch is not in the sweep" in "\n".join(network_lines(network))
    assert "stay away from 10 (peak)" in short_text(network)
    assert advise(tables, along_every_axis(tables)) == advise(tables)


@pytest.mark.parametrize(("last", "said"), [(1, "0 of 4 depths have 3 seeds (the most is 2)"), (0, "the most is 1")])
def test_too_few_seeds_are_told_and_nothing_is_named(tmp_path: Path, last: int, said: str) -> None:
    _, advice = advised(tmp_path, text(last=last), CLEAR)
    (network,) = advice.networks
    assert (network.decision, network.best, network.among_best) == ("not_enough_runs", None, ())
    assert network.reason is not None and said in network.reason
    assert short_text(network).startswith("not enough runs: ") and "freeze" not in short_text(network)
    assert all(each.among_best is None and each.behind is None for each in network.depths)
    assert network.depths[0].error is not None  # what there is is shown


def test_unfinished_depths_are_left_out_and_seeds_that_are_not_shared_are_not_compared(tmp_path: Path) -> None:
    sweep, runs = planned(text(last=5), tmp_path)
    for spec in runs.values():
        half = {4: spec.seed < 3, 8: spec.seed >= 3, 12: spec.seed == 0}.get(spec.transfer.frozen, True)
        if half or spec.source is None:
            finished(tmp_path, spec, curve(CLEAR))
    (network,) = advise(collect(read_sweep(sweep, tmp_path))).networks
    assert network.decision == "not_enough_runs" and network.reason == "the depths share 0 seeds; needed are 3"
    assert network.missing == 3 + 3 + 5
    for spec in runs.values():
        if spec.transfer.frozen == 4 and spec.seed >= 3:
            finished(tmp_path, spec, curve(CLEAR))
    (network,) = advise(collect(read_sweep(sweep, tmp_path))).networks
    assert (network.best, network.seeds, network.missing) == (8, 3, 8)
    assert depth(network, 12).among_best is None
    assert "8 runs have no result and are not in it" in network_lines(network)
    assert "; the other 2 compared depths are worse; not compared: 12" in short_text(network)


SIZES = text().replace("axes: {transfer.frozen", "axes: {target.size: [200, 400, 800], transfer.frozen")


def test_more_data_help_at_the_best_depth_and_hurt_where_the_peak_moves(tmp_path: Path) -> None:
    def error_of(spec: RunSpec) -> float:
        helped = 0.4 * (200 / spec.target.size) ** 0.5
        return {0: helped, 4: helped + 0.05, 8: 0.36 + spec.target.size / 4000, 12: 0.6}[spec.transfer.frozen]

    _, advice = advised(tmp_path, SIZES, error_of, 0.002)
    assert [network.best for network in advice.networks] == [0, 0, 0]
    (more,) = advice.more_data
    assert (more.group, more.sizes, more.best) == ("resnet14-w4", (200, 400, 800), (0, 0, 0))
    assert [step.effect for step in more.steps] == ["helped", "helped"]
    assert more.steps[0].change == pytest.approx(0.4 * (0.5**0.5 - 1), abs=0.01)
    assert [(step.smaller, step.larger, step.frozen) for step in more.hurt] == [(200, 400, 8), (400, 800, 8)]
    assert more.doubling is not None and more.doubling_low is not None and more.doubling_high is not None
    assert more.doubling == pytest.approx(0.2 * (0.5**0.5 - 1), abs=0.01)
    assert more.doubling_low < more.doubling < more.doubling_high
    told = "\n".join(advice_lines(advice))
    assert "more target data, resnet14-w4" in told and "more data hurt at this depth" in told
    assert "twice the 800 images, if the last step's trend went on" in told


def test_equal_differences_of_one_test_image_are_no_certainty(tmp_path: Path) -> None:
    """Twenty images, three seeds: head only is one image worse than from scratch on each, twice the data one better."""

    def error_of(spec: RunSpec) -> float:
        level = {200: 0.5, 400: 0.45, 800: 0.4}[spec.target.size]
        return level - 0.15 + 0.2 * (spec.transfer.frozen == 12) if spec.source is not None else level

    sweep, runs = planned(
        text(last=2).replace("axes: {transfer", "axes: {target.size: [200, 400, 800], transfer"), tmp_path
    )
    for spec in runs.values():
        finished(tmp_path, spec, curve(error_of, 0.0), test_samples=20)
    advice = advise(collect(read_sweep(sweep, tmp_path)))
    worst = depth(advice.networks[2], 12)
    assert worst.scratch == pytest.approx(0.05) and worst.against_scratch == "not distinguished" and worst.avoid == ()
    (more,) = advice.more_data
    assert [step.change for step in more.steps] == pytest.approx([-0.05, -0.05])
    assert [step.effect for step in more.steps] == ["not_distinguished"] * 2


def test_a_sweep_that_transfers_nothing_has_no_advice(tmp_path: Path) -> None:
    _, advice = advised(tmp_path, text("null"), lambda spec: 0.3)
    assert advice.networks == () and advice.reason is not None
    assert advice_lines(advice) == [f"no advice: {advice.reason}"]
    assert advice_frame(advice).empty


def test_errors_that_still_move_are_told(tmp_path: Path) -> None:
    def falling(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        test, train = curve(CLEAR)(spec, epochs)
        return test + (0.3 - 0.02 * epochs) * (spec.transfer.frozen == 4), train

    tables = collect(read_sweep(whole(tmp_path, text(), falling), tmp_path))
    (network,) = advise(tables).networks
    assert network.unsettled == (4,)
    assert "errors still moved after 12 epochs at 4: more training may change the order" in network_lines(network)


def test_as_json_and_as_a_table(tmp_path: Path) -> None:
    _, advice = advised(tmp_path, SIZES, CLEAR)
    value = json.loads(json.dumps(advice.as_json(), allow_nan=False))
    assert value["sweep"] == "advice" and len(value["networks"]) == 3
    assert value["networks"][2]["fields"]["target.size"] == 800
    assert value["networks"][0]["best"] == 8 and value["networks"][0]["depths"][2]["among_best"] is True
    assert value["more_data"][0]["steps"][0]["effect"] in ("helped", "hurt", "not_distinguished")
    frame = advice_frame(advice)
    assert len(frame) == 12 and frame[frame["best"]]["frozen"].tolist() == [8, 8, 8]
    assert set(frame["decision"]) == {"one_depth"} and "worse_than_scratch" not in frame.iloc[0]["avoid"]


def test_the_test_set_is_named_as_the_limit(tmp_path: Path) -> None:
    sweep, runs = planned(text(), tmp_path)
    for spec in runs.values():
        finished(tmp_path, spec, curve(CLEAR), test_samples=200)
    (network,) = advise(collect(read_sweep(sweep, tmp_path))).networks
    error = depth(network, 8).error
    assert error is not None and network.test_samples == 200
    assert network.image_margin == pytest.approx(1.96 * (2 * error / 200) ** 0.5, rel=1e-3)
    lines = network_lines(network)
    assert any("same 200 images" in line for line in lines)
    assert any(
        "; error on the seed left out " in line and line.endswith(" %, on the same test images") for line in lines
    )
    told = " ".join(HOW)
    assert "free of the choice by seeds" in told and "not free of the choice by these test images" in told


def test_printed_without_a_terminal_every_depth_has_its_line(tmp_path: Path) -> None:
    _, advice = advised(tmp_path, text(), CLEAR)
    out = io.StringIO()
    print_advice(advice, Console(file=out))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines[0] == "advice: resnet14-w4" and lines[1].split()[:3] == ["frozen", "up", "to"]
    assert [line.split()[0] for line in lines[2:6]] == ["0", "4", "8", "12"]
    assert lines[4].endswith("lowest") and lines[5].endswith("negative transfer")
    assert "\x1b" not in out.getvalue()
