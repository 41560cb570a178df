"""Prepared arrays: the same bits in memory and from the map, decoding that goes on, and arrays that are damaged."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from orchestrator.train import start
from orchestrator.train.device import RunDevice
from orchestrator.train.options import TrialOptions
from orchestrator.train.trial import run_trial
from orchestrator.train.worker_state import LruCache
from sweeps.identity import run_id
from sweeps.spec import ModelSpec, RunSpec, TargetSpec, TrainSpec
from tasks import Batches, target_data
from tasks.dataset import Pixels
from tasks.files import content, filling
from tasks.files.archives import BadArchive
from tasks.files.draft import Draft, scale_of
from tasks.files.filling import Picture, Target, fill
from tasks.files.prepared import check_digests, folder_of, opened
from tasks.images import Form, MappedImages, from_bytes, in_memory, standardised
from tests.tasks.files.published_files import BUILDERS, jpeg, square, taken_for_published


def spec(**model: int) -> RunSpec:
    return RunSpec(
        source=None,
        target=TargetSpec(task="cifar10", size=100, label_noise=0.2),
        model=ModelSpec(family="resnet", depth=8, width=2, **{"image_size": 32, "channels": 3, **model}),  # pyright: ignore
        train=TrainSpec(epochs=2, batch_size=16, batches="even"),
    )


@pytest.fixture
def arrays(data: Path, origin: Path) -> Path:
    BUILDERS["cifar10"](origin)
    return taken_for_published("cifar10", origin).prepare(None, origin, 1)


@pytest.mark.parametrize("side", [32, 20, 48])
@pytest.mark.parametrize("channels", [1, 3])
def test_batches_from_the_map_are_those_in_memory_to_the_bit(side: int, channels: int, arrays: Path) -> None:
    run = spec(image_size=side, channels=channels)
    whole, mapped = target_data(run), target_data(run, most_bytes=1)
    assert isinstance(whole.inputs, torch.Tensor) and isinstance(mapped.inputs, MappedImages)
    assert whole.digest == mapped.digest and mapped.inputs.shape == whole.inputs.shape
    assert (mapped.inputs.nbytes, whole.inputs.nbytes) == (8 * 100, 4 * 100 * channels * side**2)
    for index in Batches(100, 16, 0, "target").epoch(3):
        assert torch.equal(whole.inputs[index], mapped.inputs[index])
    assert torch.equal(whole.test_inputs[3:7], mapped.test_inputs[3:7])
    for name in ("labels", "true_labels", "flipped", "test_labels"):
        assert torch.equal(getattr(whole, name), getattr(mapped, name))


def test_a_worker_counts_all_that_it_keeps_of_mapped_data(arrays: Path, tmp_path: Path) -> None:
    run, ledger = spec(), Ledger(tmp_path / "store")
    device = RunDevice(torch.device("cpu"), "cpu", 1, torch.autocast("cpu", enabled=False))
    data = start.data_of(run, "target", "a", device, LruCache(0), ledger)
    assert isinstance(data.inputs, MappedImages)
    # A training image: its place, two labels, whether they differ. A test image: its place, its label.
    assert data.nbytes == 25 * 100 + 16 * len(data.test_labels)
    kept = LruCache(2 * data.nbytes - 1)
    for key in ("a", "b"):
        start.data_of(run, "target", key, device, kept, ledger)
    assert kept.keys() == [("b", device.torch)]


@pytest.mark.parametrize("channels", [(1, 1), (1, 3), (3, 1), (3, 3)])
@pytest.mark.parametrize("side", [8, 12, 17])
def test_an_image_does_not_depend_on_those_beside_it(channels: tuple[int, int], side: int) -> None:
    images = np.random.default_rng(0).integers(0, 256, (1500, channels[0], 12, 12), dtype=np.uint8)
    form = Form(channels[1], side, 0.4, 0.3)
    whole = standardised(images.astype(np.float32) / 255, form)
    assert torch.equal(from_bytes(images, form), whole)
    assert torch.equal(in_memory(Pixels(images, np.arange(1500), 0.4, 0.3), form), whole)
    for at in (0, 7, 1499):
        assert torch.equal(from_bytes(images[at : at + 1], form)[0], whole[at])


def test_the_scale_is_of_the_training_pixels() -> None:
    images = np.random.default_rng(1).integers(3, 200, (5000, 3, 4, 4), dtype=np.uint8)
    mean, std = scale_of(images)
    assert mean == pytest.approx(images.mean() / 255, rel=1e-12) and std == pytest.approx(images.std() / 255, rel=1e-9)


@pytest.mark.parametrize("frozen", [0, 3])
def test_a_run_from_the_map_is_the_run_in_memory(
    frozen: int, arrays: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = spec()
    run = run.model_copy(update={"transfer": run.transfer.model_copy(update={"frozen": frozen})})
    seen, curves = [], []
    original = start.images
    monkeypatch.setattr(start, "images", lambda data: seen.append(type(data.inputs)) or original(data))
    prepare = start.tasks.target_data
    for name, most in (("memory", None), ("map", 1)):
        monkeypatch.setattr(start.tasks, "target_data", lambda given, _, most=most: prepare(given, most))
        ledger = Ledger(tmp_path / name)
        ledger.open()
        job = Job("run", run_id(run), run)
        assert run_trial(job, TrialOptions(store=tmp_path / name)) == "done"
        record = ledger.result(job)
        assert record is not None
        curves.append([row._replace(seconds=0.0) for row in ledger.curve(record)])
        curves.append([record.data_sha256])
    assert seen == [torch.Tensor, MappedImages]
    assert repr(curves[:2]) == repr(curves[2:])


class Interrupted(KeyboardInterrupt):
    pass


def test_decoding_goes_on_where_it_stopped(data: Path, origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(filling, "CHUNK", 10)
    BUILDERS["food101"](origin)
    files = taken_for_published("food101", origin)
    decoded: list[str] = []
    original = filling.decode

    def counted(content: bytes, side: int, channels: filling.Channels, name: str) -> np.ndarray:
        if len(decoded) == 95:
            raise Interrupted
        decoded.append(name)
        return original(content, side, channels, name)

    monkeypatch.setattr(filling, "decode", counted)
    with pytest.raises(Interrupted):
        files.prepare(16, origin, 1)
    monkeypatch.setattr(filling, "decode", lambda *given: decoded.append(given[3]) or original(*given))
    folder = files.prepare(16, origin, 1)
    assert len(decoded) == 303 + 5  # only the chunk under way was done twice
    monkeypatch.setenv("FROSTLINE_DATA", str(data / "another"))
    other = files.prepare(16, origin, 1)
    for name in ("train.npy", "test.npy", "train-labels.npy", "about.json"):
        assert (folder / name).read_bytes() == (other / name).read_bytes()


def test_what_was_begun_on_other_files_is_not_used(data: Path, origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    BUILDERS["food101"](origin)
    files = taken_for_published("food101", origin)

    def interrupted(*given: object) -> None:
        raise Interrupted

    monkeypatch.setattr(filling, "decode", interrupted)
    with pytest.raises(Interrupted):
        files.prepare(16, origin, 1)
    part = folder_of("food101", 16).with_name(".food101-16.part")
    (part / "train.finished").write_bytes(bytes(8))  # says that chunk 0 is done
    monkeypatch.undo()
    monkeypatch.setenv("FROSTLINE_DATA", str(data))
    renamed = replace(files.downloads[0], file="other.tar.gz")
    (origin / "food-101.tar.gz").rename(origin / "other.tar.gz")

    def make(draft: Draft, found: Mapping[str, Path]) -> None:
        files.make(draft, {"food-101.tar.gz": found["other.tar.gz"]})

    again = replace(files, downloads=(renamed,), make=make)
    folder = again.prepare(16, origin, 1)
    assert np.load(folder / "train.npy").reshape(202, -1).any(1).all(), "no row is left empty"


@pytest.mark.parametrize("harm", ["about", "labels", "shape", "short", "gone"])
def test_damaged_arrays_are_refused_in_one_line(harm: str, arrays: Path) -> None:
    match harm:
        case "about":
            (arrays / "about.json").write_text("{")
        case "labels":
            np.save(arrays / "train-labels.npy", np.zeros(100, dtype=np.int64))
        case "shape":
            np.save(arrays / "train.npy", np.zeros((99, 3, 32, 32), dtype=np.uint8))
        case "short":
            whole = (arrays / "train.npy").read_bytes()
            (arrays / "train.npy").write_bytes(whole[:-1])
        case "gone":
            (arrays / "test.npy").unlink()
    opened.cache_clear()
    with pytest.raises(BadArchive, match=r"^[^\n]*delete that folder and prepare it again$"):
        target_data(spec())


def test_a_changed_pixel_is_found_by_its_digest(arrays: Path) -> None:
    check_digests(arrays)
    changed = bytearray((arrays / "train.npy").read_bytes())
    changed[-1] ^= 1
    (arrays / "train.npy").write_bytes(changed)
    with pytest.raises(BadArchive, match=r"train\.npy is not what was written"):
        check_digests(arrays)


def test_arrays_are_hashed_again_only_when_they_have_changed(arrays: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "SETTLED_NS", 0)
    hashed: list[str] = []
    original = content.file_sha256
    monkeypatch.setattr(content, "file_sha256", lambda path: hashed.append(path.name) or original(path))
    check_digests(arrays)
    assert sorted(hashed) == ["test-labels.npy", "test.npy", "train-labels.npy", "train.npy"]
    check_digests(arrays)
    assert len(hashed) == 4
    os.utime(arrays / "train.npy", ns=(1, 1))
    check_digests(arrays)
    assert hashed[4:] == ["train.npy"]


def test_pictures_may_come_in_any_order(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    files = [jpeg(rng, 20, 20) for _ in range(6)]
    path = tmp_path / "a.npy"
    np.lib.format.open_memmap(path, "w+", np.uint8, (6, 3, 10, 10)).flush()
    target = Target(path, path.stat().st_size - 6 * 300, 10, 3)

    def pictures() -> Iterator[Picture]:
        yield from (Picture(row, files[row], str(row)) for row in (4, 1, 5, 0, 3, 2))

    fill(target, pictures(), 1, tmp_path / "finished", lambda done: None)
    assert np.array_equal(np.load(path), np.stack([square(file, 10) for file in files]))
