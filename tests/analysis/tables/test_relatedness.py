"""How related source and target are: overlaps of classes, and the error of a linear probe, through the real path."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.torch import save_file

import frostline as fl
from architectures import build
from frostline.cli import main
from sweeps.spec import ModelSpec
from tasks import relatedness

SWEEP = """
name: related
edition: 2
base:
  source: {task: "digits[0-5]", size: 60, epochs: 1}
  target: {task: "digits[4-7]", size: 40}
  model: {family: resnet, depth: 8, width: 2}
  train: {epochs: 2}
axes:
  source.task: ["digits[0-5]", "glyphs[A-D]"]
  transfer.frozen: [0, 7]
  seed: [0, 1]
blocks:
  - base: {source: null}
    axes: {seed: [0]}
"""


@pytest.mark.parametrize(
    ("source", "target", "expected"),
    [
        ("digits[0-4]", "digits[3-6]", {"class_overlap": 0.5}),
        ("mnist", "svhn", {"class_overlap": 1.0}),
        ("glyphs[A-D]", "digits", {"class_overlap": 0.0}),
        ("cifar100[whale,seal]", "cifar100[otter,dolphin]", {"class_overlap": 0.0, "superclass_overlap": 1.0}),
        ("cifar100[whale,bed]", "cifar100[whale,tank,bus]", {"class_overlap": 1 / 3, "superclass_overlap": 1 / 3}),
        ("cifar10", "cifar100[bus,whale]", {"class_overlap": 0.0}),
    ],
)
def test_overlaps_are_shares_of_the_targets_classes(source: str, target: str, expected: dict[str, float]) -> None:
    assert relatedness(source, target) == pytest.approx(expected)


def test_the_tables_have_overlaps_and_the_error_of_a_linear_probe(tmp_path: Path) -> None:
    file, store = tmp_path / "related.yaml", tmp_path / "store"
    file.write_text(SWEEP)
    assert main(["run", str(file), "--store", str(store), "--runner", "local", "--wandb", "disabled"]) == 0
    sweep = fl.load(file, store)
    runs = sweep.runs
    by_source = runs.groupby("source.task")["class_overlap"].unique().to_dict()
    assert {name: list(values) for name, values in by_source.items()} == {"digits[0-5]": [0.5], "glyphs[A-D]": [0.0]}
    assert bool(runs["superclass_overlap"].isna().to_numpy().all())
    scratch = runs["source_id"].isna()
    unrelated = runs[["class_overlap", "linear_probe_error"]].to_numpy(dtype=np.float64)[scratch.to_numpy()]
    assert len(unrelated) == 1 and np.isnan(unrelated).all()
    transferred = runs[~scratch]
    for _, pair in transferred.groupby(["source.task", "seed"]):
        probe = pair.loc[pair["transfer.frozen"] == 7, "final_test_error"].item()
        assert set(pair["linear_probe_error"]) == {probe} and len(pair) == 2
    cells = sweep.cells[sweep.cells["source.task"].notna()]
    for _, pair in cells.groupby("source.task"):
        probe = pair.loc[pair["transfer.frozen"] == 7, "final_test_error"].item()
        assert pair["linear_probe_error"].tolist() == pytest.approx([probe, probe])


def test_a_start_from_a_file_of_weights_has_the_probe_without_any_source(tmp_path: Path) -> None:
    model = ModelSpec(family="resnet", depth=8, width=2)
    save_file(build(model, 4, seed=9).state_dict(), tmp_path / "w.safetensors")
    file, store = tmp_path / "weights.yaml", tmp_path / "store"
    file.write_text(f"""
name: weights
base:
  source: null
  target: {{task: "digits[4-7]", size: 40}}
  model: {{family: resnet, depth: 8, width: 2, weights: {tmp_path / "w.safetensors"}}}
  train: {{epochs: 1}}
axes:
  transfer.frozen: [0, 7]
""")
    assert main(["run", str(file), "--store", str(store), "--runner", "local", "--wandb", "disabled"]) == 0
    runs = fl.load(file, store).runs
    probe = runs.loc[runs["transfer.frozen"] == 7, "final_test_error"].item()
    assert runs["linear_probe_error"].tolist() == [probe, probe]
    assert "class_overlap" not in runs or bool(runs["class_overlap"].isna().to_numpy().all())
