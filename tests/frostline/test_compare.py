"""A sweep beside published errors: what matches, what agrees, and what is refused."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from analysis.loaded import load
from analysis.report.table_files import csv_bytes
from frostline.cli import main
from frostline.published.compare import compare, comparison_table
from frostline.published.references import NoisyTestLabels, Series, references
from sweeps.spec import RunSpec
from tests.analysis.store_factory import Curve, sweep_text, whole

NAKKIRAN = """
name: rerun
base:
  source: null
  target: {task: cifar10, size: 50000, label_noise: %s}
  model: {family: preact_resnet, depth: 18, image_size: 32, channels: 3, width: 64}
  train: {epochs: %d, optimizer: adam, learning_rate: 0.0001, batch_size: 128, augment: crop_flip}
axes: {model.width: %s, seed: 0..2}
"""
YOSINSKI = """
name: halves
base:
  source: {task: "mnist[5-9]", size: 300}
  target: {task: "mnist[5-9]", size: 300}
  model: {family: resnet, depth: 14, width: 4}
  train: {epochs: 4}
axes: {source.task: ["mnist[5-9]", "mnist[0-4]"], transfer.frozen: all, seed: 0..2}
"""


def series_of(reference: str, label: str) -> Series:
    (found,) = [each for each in references() if each.name == reference]
    return next(each for each in found.series if each.label == label)


def as_published(shift: Callable[[RunSpec], float], seeds: float = 0.0) -> Curve:
    """The published curve of the run's width, between its points linear in log(epoch), moved by `shift`."""

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        series = series_of("nakkiran_epochs", f"k = {spec.model.width}")
        test = np.interp(np.log(epochs), np.log(series.at), series.test)
        return test + shift(spec) + seeds * (spec.seed - 1), np.full(len(epochs), 0.1)

    return curve


def test_references_are_whole_and_name_their_source() -> None:
    assert [each.name for each in references()] == ["nakkiran_epochs", "nakkiran_widths", "yosinski_depths"]
    for each in references():
        assert "arXiv:" in each.source and "2026-11-25" in each.source
        assert all(0 < series.tolerance < 0.05 for series in each.series)


def test_a_sweep_agrees_within_the_tolerance_and_not_beyond(tmp_path: Path) -> None:
    text = NAKKIRAN % ("0.2", 400, "[3, 12, 64]")
    whole(tmp_path, text, as_published(lambda spec: {3: 0.004, 12: -0.03, 64: 0.02}[spec.model.width], seeds=0.01))
    (tmp_path / "s.yaml").write_text(text)
    found = {each.series: each for each in compare(load(tmp_path / "s.yaml", tmp_path))}
    assert {label: each.agrees for label, each in found.items()} == {"k = 3": True, "k = 12": True, "k = 64": False}
    each = found["k = 64"]
    assert each.mean_difference == pytest.approx(0.02) and (each.n, len(each.points), each.asked) == (3, 8, 8)
    point = each.points[3]
    assert (point.position, point.published) == (60, 0.281)
    assert point.ours == pytest.approx(0.301) and point.low is not None
    assert point.low == pytest.approx(0.301 - 4.30265273 * 0.01 / 3**0.5)  # Student's, two degrees of freedom


@pytest.mark.parametrize(
    "other",
    ["model: {weights: 'sha256:%s'}" % ("0" * 64), "transfer: {frozen: 5}", "target: {size: 5000}",
     "target: {noise_kind: any}", "train: {batch_size: 32}"],
)  # fmt: skip
def test_another_start_another_set_and_another_recipe_are_not_laid_beside_it(tmp_path: Path, other: str) -> None:
    text = NAKKIRAN % ("0.2", 400, "[64]") + f"blocks:\n  - base: {{}}\n  - base: {{{other}}}\n"
    text = text.replace("axes: {model.width: [64], seed: 0..2}\n", "") + "axes: {seed: 0..2}\n"
    whole(tmp_path, text, as_published(lambda spec: 0.0))
    (tmp_path / "s.yaml").write_text(text)
    assert len(compare(load(tmp_path / "s.yaml", tmp_path))) == 1


def test_a_shorter_training_is_compared_as_far_as_it_goes(tmp_path: Path) -> None:
    text = NAKKIRAN % ("0.2", 50, "[64]")
    whole(tmp_path, text, as_published(lambda _: 0.0))
    (tmp_path / "s.yaml").write_text(text)
    (each,) = compare(load(tmp_path / "s.yaml", tmp_path))
    assert [point.position for point in each.points] == [10, 20, 40] and each.asked == 8 and each.agrees


def test_noisy_test_labels_are_taken_out(tmp_path: Path) -> None:
    """Of 1,000,000 answers with an error of 30 %, counted on labels of which 15 % are wrong."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 10, 1_000_000)
    answer = np.where(rng.random(len(truth)) < 0.3, (truth + rng.integers(1, 10, len(truth))) % 10, truth)
    label = np.where(rng.random(len(truth)) < 0.15, (truth + rng.integers(1, 10, len(truth))) % 10, truth)
    counted = float((answer != label).mean())
    assert NoisyTestLabels(share=0.15, classes=10).clean(counted) == pytest.approx(0.3, abs=0.003)

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        series = series_of("nakkiran_widths", "final error")
        error = series.test[series.at.index(spec.model.width)]
        return np.full(len(epochs), (error - 0.15) / (1 - 0.15 / 0.9)), np.zeros(len(epochs))

    widths = [4, 6, 8, 10, 12, 16, 24, 32, 64]
    text = NAKKIRAN % ("0.15", 4, widths)
    whole(tmp_path, text, curve)
    (tmp_path / "s.yaml").write_text(text)
    (each,) = compare(load(tmp_path / "s.yaml", tmp_path))
    assert each.reference == "nakkiran_widths" and each.mean_difference < 1e-8
    assert [point.position for point in each.points] == widths and each.asked == len(widths) + 2


def test_depths_are_compared_by_what_freezing_adds(tmp_path: Path) -> None:
    """The same loss at another level, another ladder: agrees after the same task, and not after the other half."""

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        series = series_of("yosinski_depths", "BnB, same task")
        error = np.interp(spec.transfer.frozen / 13, np.array(series.at) / 7, series.test)
        return np.full(len(epochs), error - 0.3), np.full(len(epochs), 0.2)

    whole(tmp_path, YOSINSKI, curve)
    (tmp_path / "s.yaml").write_text(YOSINSKI)
    found = {each.series: each for each in compare(load(tmp_path / "s.yaml", tmp_path))}
    assert found["BnB, same task"].agrees and not found["AnB, transferred"].agrees
    assert found["BnB, same task"].points[0].position == pytest.approx(1 / 7)


def test_the_command_writes_table_and_figure(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = NAKKIRAN % ("0.2", 60, "[3, 64]")
    whole(tmp_path / "store", text, as_published(lambda _: 0.001))
    (tmp_path / "s.yaml").write_text(text)
    given = ["compare", str(tmp_path / "s.yaml"), "--store", str(tmp_path / "store"), "--out", str(tmp_path / "out")]
    assert main(given) == 0
    printed = capsys.readouterr().out
    assert "nakkiran_epochs, k = 3" in printed and "agrees: mean difference 0.1 points at 4 of 8 positions" in printed
    with (tmp_path / "out" / "compare.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 8 and {row["agrees"] for row in rows} == {"true"}
    assert (tmp_path / "out" / "compare_nakkiran_epochs.png").stat().st_size > 0
    assert main([*given, "--json"]) == 0
    assert [each["series"] for each in json.loads(capsys.readouterr().out)] == ["k = 64", "k = 3"]


def test_a_sweep_that_nothing_speaks_of_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    whole(tmp_path / "store")
    (tmp_path / "s.yaml").write_text(sweep_text())
    assert main(["compare", str(tmp_path / "s.yaml"), "--store", str(tmp_path / "store")]) == 2
    told = capsys.readouterr().err
    assert told.count("\n") == 1
    assert "made-up: none of its finished runs is one that there are published errors of (nakkiran_epochs needs" in told


def test_an_empty_table_has_its_columns() -> None:
    assert csv_bytes(comparison_table(())).decode().startswith("reference,series,group,n,position,published,ours,low,")


def test_a_series_of_unequal_lengths_is_refused() -> None:
    with pytest.raises(ValueError, match="test: 2 values at 3 positions"):
        Series(label="a", tolerance=0.01, at=(1, 2, 3), test=(0.1, 0.2))
