"""Each frozen depth against training from scratch, paired by seed."""

from pathlib import Path

import numpy as np
import pytest

from analysis.negative_transfer.pairs import partners
from analysis.tables.against_scratch import AgainstScratch, against_scratch
from analysis.tables.collect import Tables, collect
from analysis.tables.groups import groups_along
from analysis.tables.load import read_sweep
from sweeps.spec import RunSpec
from tests.analysis.store_factory import whole

SWEEP = """
name: scratch
base:
  source: {task: "glyphs[A-Z]", size: 300}
  target: {task: digits, size: 200}
  model: {family: resnet, depth: 14, width: 4}
  train: {epochs: 10}
axes: {transfer.frozen: [0, 4, 8, 12], seed: 0..4}
blocks:
  - base: {source: null}
    axes: {seed: %s}
"""


def _curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The seeds differ by far more than the depths do: only the pairing can tell these apart."""
    rng = np.random.default_rng([spec.seed, spec.transfer.frozen, spec.source is None])
    gain = 0.0 if spec.source is None else {0: 0.0, 4: -0.03, 8: 0.04, 12: -0.03}[spec.transfer.frozen]
    level = 0.3 + 0.05 * spec.seed + gain + 0.003 * rng.standard_normal()
    return np.full(len(epochs), level), np.full(len(epochs), 0.0)


def _found(store: Path, seeds: str = "0..4") -> tuple[Tables, AgainstScratch | None]:
    tables = collect(read_sweep(whole(store, SWEEP % seeds, _curve), store))
    (group,) = [
        each for each in groups_along(tables.cells, "transfer.frozen") if each.fields["source.task"] is not None
    ]
    return tables, against_scratch(tables, group)


def test_a_peak_is_a_failure_of_transfer_where_it_is_worse_than_from_scratch(tmp_path: Path) -> None:
    _, found = _found(tmp_path)
    assert found is not None
    assert [found.outcome(point) for point in range(4)] == ["not distinguished", "better", "worse", "better"]
    assert found.difference[2] == pytest.approx(0.04, abs=0.005)
    assert found.n.tolist() == [5, 5, 5, 5]


def test_only_shared_seeds_are_paired(tmp_path: Path) -> None:
    _, found = _found(tmp_path, "[2]")
    assert found is not None
    assert found.n.tolist() == [1, 1, 1, 1]
    assert found.outcome(2) is None and found.difference[2] == pytest.approx(0.04, abs=0.02)


def test_without_a_partner_nothing_is_said(tmp_path: Path) -> None:
    other = SWEEP.replace("{source: null}", "{source: null, train: {epochs: 20}}")
    tables = collect(read_sweep(whole(tmp_path, other % "0..4", _curve), tmp_path))
    groups = groups_along(tables.cells, "transfer.frozen")
    assert [against_scratch(tables, group) for group in groups] == [None] * len(groups)


def _of_transfers(tables: Tables, axis: str = "transfer.frozen") -> list[AgainstScratch | None]:
    chosen = [each for each in groups_along(tables.cells, axis) if each.fields.get("source.task", "") is not None]
    return [against_scratch(tables, group) for group in chosen]


def test_a_run_with_a_rate_for_each_unit_is_no_partner(tmp_path: Path) -> None:
    """It starts from random weights too."""

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        test, train = _curve(spec, epochs)
        return test + (0.2 if spec.transfer.rate_factors is not None else 0.0), train

    slow = "- base: {source: null, transfer: {rate_factors: [0.1]}}\n    axes: {seed: 0..4}\n  "
    text = (SWEEP % "0..4").replace("- base: {source: null}", f"{slow}- base: {{source: null}}")
    (found,) = _of_transfers(collect(read_sweep(whole(tmp_path, text, curve), tmp_path)))
    assert found is not None
    assert found.difference[0] == pytest.approx(0.0, abs=0.005)


@pytest.mark.parametrize(
    "base", ["transfer: {norm: stats}", "train: {epochs: 10, measures: [source_error]}"], ids=["norm", "measures"]
)
def test_what_changes_no_run_from_scratch_does_not_hide_the_partner(tmp_path: Path, base: str) -> None:
    text = (SWEEP % "0..4").replace(
        "train: {epochs: 10}", base if "train" in base else f"train: {{epochs: 10}}\n  {base}"
    )
    text = text.replace("{source: null}", "{source: null, train: {measures: null}}")
    tables = collect(read_sweep(whole(tmp_path, text, _curve), tmp_path))
    (found,) = _of_transfers(tables)
    assert found is not None and found.n.tolist() == [5, 5, 5, 5]
    assert len(partners(tables)) == 20


def test_along_a_richness_of_the_target_each_has_the_partner_of_its_own_richness(tmp_path: Path) -> None:
    text = """
name: rich
base:
  source: {task: digits, size: 100}
  target: {task: digits, size: 100}
  model: {family: mean_field_mlp, depth: 2, width: 4}
  train: {epochs: 10}
axes: {transfer.richness: [0.5, 2.0], seed: 0..2}
blocks:
  - base: {}
  - base: {source: null}
"""

    def curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        level = 0.3 + 0.1 * (spec.transfer.richness or 0.0) + 0.02 * spec.seed - 0.05 * (spec.source is not None)
        return np.full(len(epochs), level), np.zeros(len(epochs))

    (found,) = _of_transfers(collect(read_sweep(whole(tmp_path, text, curve), tmp_path)), "transfer.richness")
    assert found is not None
    assert found.difference == pytest.approx([-0.05, -0.05])
