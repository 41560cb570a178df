"""Each frozen depth against training from scratch, paired by seed."""

from pathlib import Path

import numpy as np
import pytest

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
