"""The claims of several sweeps in one table: whose line is whose, what decides it, and the numbers from the tables."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from analysis.claims.by_family import claim_lines
from analysis.claims.decide import judge
from analysis.claims.evidence import Evidence
from analysis.claims.sizes import Series
from analysis.cli import main
from analysis.report.claim_files.figures import CAPTIONS
from analysis.report.claim_files.panels import size_panel
from analysis.report.figure_style import TEST
from analysis.tables.groups import Group
from sweeps.spec import RunSpec
from tests.analysis.store_factory import whole

SEEDS = 6
FREEZING = """
name: freezing
base:
  source: {task: "mnist[0-4]", size: 300}
  target: {task: digits, size: 200, label_noise: 0.2}
  train: {epochs: 40}
axes:
  model: [{family: resnet, depth: 14, width: 4}, {family: densenet, depth: 16, width: 8}]
  transfer.frozen: [0, 2, 4, 6, 8, 10, 12, 13]
  seed: 0..5
"""
SOURCES = """
name: sources
base:
  source: {task: "mnist[0-4]", size: 300}
  target: {task: digits, size: 200, label_noise: 0.2}
  model: {family: resnet, depth: 14, width: 4}
  train: {epochs: 40}
axes: {source.size: [200, 400, 800], seed: 0..5}
"""


def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A freezing-wise peak at 8 of the ResNet, none of the DenseNet; more source data, later interpolation."""
    rng = np.random.default_rng([spec.seed, spec.transfer.frozen, spec.model.depth])
    frozen, peak = spec.transfer.frozen, 0.1 if spec.model.family == "resnet" else 0.0
    level = 0.25 + peak * np.exp(-(((frozen - 8) / 1.5) ** 2)) + 0.005 * rng.standard_normal()
    assert spec.source is not None
    slow = 2.0 + spec.source.size / 200 + 0.1 * rng.random()
    train = (0.0 if frozen <= 8 else 0.08 * (frozen - 8)) + 0.6 * np.exp(-epochs / slow)
    return level + 0.3 * np.exp(-epochs / 2) + 0.002 * rng.standard_normal(len(epochs)), train


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("claims")
    for name, text in (("freezing", FREEZING), ("sources", SOURCES)):
        (folder / f"{name}.yaml").write_text(text)
        whole(folder / "store", text, curve)
    return folder


def _run(told: Path, *more: str) -> int:
    sweeps = [str(told / f"{name}.yaml") for name in ("freezing", "sources")]
    return main(["claims", *sweeps, "--store", str(told / "store"), *more])


def test_a_line_for_each_claim_sweep_and_family(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(told, "--out", str(told / "out")) == 0
    printed = capsys.readouterr().out
    with (told / "out" / "claims.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    lines = {(row["claim"], row["part"], row["sweep"], row["family"]): row["verdict"] for row in rows}
    assert lines == {
        ("C1", "", "", ""): "undecided",
        ("C2", "interpolation time", "sources", "resnet"): "supported",
        ("C2", "peak time", "", ""): "undecided",
        ("C3", "", "freezing", "resnet"): "supported",
        ("C3", "", "freezing", "densenet"): "undecided",
        ("C4", "better", "", ""): "undecided",
        ("C4", "on par", "", ""): "undecided",
    }
    assert "no group of cells differs in target.size alone" in printed
    assert {path.name for path in (told / "out").iterdir()} == {
        "claims.csv", "claims.tex",
        *(f"claim_{claim}.{end}" for claim in ("C2", "C3") for end in ("png", "pdf", "svg", "txt", "tex")),
    }  # fmt: skip


def test_the_numbers_of_a_line_follow_from_the_tables(told: Path) -> None:
    """The freezing-wise prominence from runs.csv alone: the peak less the higher minimum, meaned over seeds."""
    assert _run(told, "--out", str(told / "again")) == 0
    assert main(["tables", str(told / "freezing.yaml"), "--store", str(told / "store"), "--out", str(told / "t")]) == 0
    lines = pd.read_csv(told / "again" / "claims.csv")
    line = lines[(lines.claim == "C3") & (lines.family == "resnet")].iloc[0]
    runs = pd.read_csv(told / "t" / "runs.csv")
    final = runs[runs["model.family"] == "resnet"].pivot(
        index="seed", columns="transfer.frozen", values="final_test_error"
    )
    errors = final.to_numpy(dtype=float)
    peak = list(final.columns).index(8)
    means = (errors[:, [peak]] - np.delete(errors, peak, axis=1)).mean(axis=0)
    assert line.n == SEEDS == len(final)
    assert min(abs(mean - line.effect) for mean in means) < 1e-8
    assert line.effect_low < line.effect < line.effect_high and line.q < 0.05


def test_json_has_the_sweep_of_each_claim(told: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _run(told, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["sweep"] for each in found] == ["freezing"] * 6 + ["sources"] * 6
    families = {test["family"] for each in found for test in each["tests"]}
    assert families == {"resnet", "densenet"}


def test_an_order_of_tasks_is_given_to_the_sweeps_that_have_them(
    told: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert _run(told, "--related", "mnist[0-4]") == 0
    capsys.readouterr()
    assert _run(told, "--related", "mnist[0-4];fashion_mnist") == 2
    assert capsys.readouterr().err.strip() == (
        "error: --related: no run has the source task 'fashion_mnist'; allowed: mnist[0-4]"
    )


def _evidence(family: str, p_for: float, p_against: float) -> Evidence:
    return Evidence(f"{family}-group", "m", 5, 0.1, 0.0, 0.2, p_for, p_against, "detail", family=family)


def test_a_family_goes_by_its_own_tests_adjusted_with_all_others() -> None:
    claim = judge(
        "C1", "s", "n", [_evidence("resnet", 0.03, 0.9), _evidence("vit", 0.04, 0.9), _evidence("vgg", 1, 0.001)]
    )
    lines = {line.family: line for line in claim_lines({"a": [claim]})}
    assert {family: line.decision for family, line in lines.items()} == {
        "resnet": "undecided", "vit": "undecided", "vgg": "contradicted",
    }  # fmt: skip
    # 0.03 and 0.04 among three: q = 3/2 of the larger
    assert lines["resnet"].test is not None and lines["resnet"].test.q == pytest.approx(0.06)


def test_a_median_that_is_only_known_to_be_at_least_so_much_is_open_and_not_joined() -> None:
    """At 200 two of three curves still rose when they ended: their prominence is 0 or more, and so is the median."""
    sizes = np.array([100.0, 200.0, 400.0, 800.0])
    known = {0: (0.02, 0.04, 0.09, 0.1), 1: (0.03, None, 0.08, 0.12), 2: (0.04, None, None, 0.11)}
    seeds = {
        seed: {
            size: (0.0, np.inf) if value is None else (value, value)
            for size, value in zip(sizes.tolist(), row, strict=True)
        }
        for seed, row in known.items()
    }
    group = Group("target.size", "resnet14-w4", "resnet14-w4", {}, np.arange(4), sizes)
    axes = Figure().subplots()
    size_panel(axes, Series(group, "prominence", seeds, 100, "%"))
    (line,) = [each for each in axes.lines if each.get_color() == TEST and each.get_marker() == "o"]
    # The median at 400 lies between 0.08 and 0.09, as the third value is below or above both: it is open too.
    np.testing.assert_allclose(np.asarray(line.get_ydata()), [3.0, np.nan, np.nan, 11.0])
    (open_ones,) = [each for each in axes.lines if each.get_color() == TEST and each.get_marker() == "^"]
    np.testing.assert_allclose(np.asarray(open_ones.get_xdata()), [200.0, 400.0])
    np.testing.assert_allclose(np.asarray(open_ones.get_ydata()), [0.0, 8.0])
    assert open_ones.get_markerfacecolor() == "white" and open_ones.get_linestyle() == "None"
    # No line of a single seed leads to a value that is not known either.
    drawn = {
        tuple(np.isfinite(np.asarray(each.get_ydata()))) for each in axes.lines if each.get_marker() in ("", "None")
    }
    assert drawn == {(True, True, True, True), (True, False, True, True), (True, False, False, True)}
    assert all("open triangle" in CAPTIONS[claim] for claim in ("C1", "C2"))
