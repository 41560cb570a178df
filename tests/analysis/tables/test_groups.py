"""Groups along an axis: what they lend each other."""

from pathlib import Path

import numpy as np
import pytest

from analysis.tables.along_axes import freezing_wise
from analysis.tables.collect import Tables, collect
from analysis.tables.groups import groups_along
from analysis.tables.load import read_sweep
from sweeps.spec import RunSpec
from tests.analysis.store_factory import whole

NORMS = """
name: norms
base:
  source: {task: "glyphs[A-Z]", size: 300}
  target: {task: digits, size: 200}
  model: {family: resnet, depth: 14, width: 4}
  train: {epochs: 10}
  transfer: {}
axes: {transfer.frozen: [0, 5, 9, 13], transfer.norm: [eval, stats, train], source.size: [300, 600], seed: 0..2}
where: "transfer.frozen > 0 or transfer.norm == 'eval'"
"""


def _curve(spec: RunSpec, epochs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    size = 0 if spec.source is None else spec.source.size
    rng = np.random.default_rng([spec.seed, spec.transfer.frozen, size, *spec.transfer.norm.encode()])
    return np.full(len(epochs), 0.3 + 0.02 * rng.standard_normal()), np.zeros(len(epochs))


def _tables(store: Path, text: str = NORMS) -> Tables:
    return collect(read_sweep(whole(store, text, _curve), store))


def test_what_frozen_norms_do_is_of_no_account_with_nothing_frozen(tmp_path: Path) -> None:
    """The sweep leaves out the runs that train what those with `eval` train: every norm has its unfrozen end."""
    tables = _tables(tmp_path)
    assert sorted(len(group.cells) for group in groups_along(tables.cells, "transfer.frozen")) == [3, 3, 3, 3, 4, 4]
    found = freezing_wise(tables)
    assert [each.group.values.tolist() for each in found] == [[0, 5, 9, 13]] * 6
    assert sorted(str(each.group.fields["transfer.norm"]) for each in found) == sorted(["eval", "stats", "train"] * 2)
    for size in (300, 600):
        of_size = [each for each in found if each.group.fields["source.size"] == size]
        unfrozen = {tuple(each.test[:, 0]) for each in of_size}
        assert len(of_size) == 3 and len(unfrozen) == 1 and np.isfinite(next(iter(unfrozen))).all()
        assert len({tuple(each.test[:, 1]) for each in of_size}) == 3
    assert all(each.group.label.count("transfer.norm = ") == 1 for each in found)


@pytest.mark.parametrize("held", ["inherit: {share: 0.5, freeze: true}", "rate_factors: [1, 0]"])
def test_where_more_than_the_first_units_may_be_held_nothing_is_lent(tmp_path: Path, held: str) -> None:
    found = freezing_wise(_tables(tmp_path, NORMS.replace("transfer: {}", f"transfer: {{{held}}}")))
    found = [each for each in found if each.group.fields["source.task"] is not None]
    points = {(str(each.group.fields["transfer.norm"]), len(each.group.values)) for each in found}
    assert points == {("eval", 4), ("stats", 3), ("train", 3)}
