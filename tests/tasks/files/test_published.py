"""Every published data set: from its archive in true format to float batches, and archives that are none."""

from __future__ import annotations

import gzip
import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from sweeps.spec import ModelSpec, RunSpec, SourceSpec, TargetSpec
from tasks import Batches, check, classes_of, held_out, missing_data, source_data, target_data
from tasks.datasets import fashion_mnist
from tasks.files.archives import BadArchive, MissingData, gunzip
from tasks.files.download import data_folder
from tasks.registry import row
from tests.tasks.files.published_files import BUILDERS, FOOD_SIDE, jpeg, taken_for_published, tar

SIDES = {"food101": FOOD_SIDE, "fashion_mnist": 28, "tiny_imagenet": 64}


def run(target: str, size: int, source: str | None = None, **model: int) -> RunSpec:
    return RunSpec(
        source=None if source is None else SourceSpec(task=source, size=size),
        target=TargetSpec(task=target, size=size),
        model=ModelSpec(family="resnet", depth=18, width=4, **{"image_size": 32, "channels": 3, **model}),  # pyright: ignore
    )


def shape_of(name: str) -> dict[str, int]:
    return {"image_size": SIDES.get(name, 32), "channels": 1 if name == "fashion_mnist" else 3}


@pytest.mark.parametrize("name", BUILDERS)
def test_every_byte_of_an_archive_becomes_float_batches(name: str, data: Path, origin: Path) -> None:
    truth = BUILDERS[name](origin)
    before = sorted(origin.iterdir())
    side = SIDES.get(name, 32)
    taken_for_published(name, origin).prepare(side, origin, workers=1)
    assert sorted(origin.iterdir()) == before

    spec = run(name, len(truth.train), None, **shape_of(name))
    check(spec)
    assert missing_data([spec]) == []
    found = target_data(spec)
    dataset = row(name)
    assert found.class_names == dataset.classes and found.classes == len(dataset.classes) == classes_of(name)  # pyright: ignore
    mean, std = getattr(dataset, "mean", None), getattr(dataset, "std", None)
    if mean is None or std is None:
        mean, std = truth.train.mean() / 255, truth.train.std() / 255
    assert found.black == pytest.approx(-mean / std)
    batches = Batches(len(truth.train), 7, 0, "target").epoch(0)
    inputs = torch.empty_like(torch.as_tensor(found.inputs[:]))
    for index in batches:
        batch = found.inputs[index]
        assert batch.dtype == torch.float32 and batch.shape[1:] == truth.train.shape[1:]
        inputs[index] = batch
    for images, labels, seen, given in (
        (truth.train, truth.train_labels, inputs, found.labels),
        (truth.test, truth.test_labels, found.test_inputs[:], found.test_labels),
    ):
        pixels = (seen.double().numpy() * std + mean) * 255
        assert np.abs(pixels - pixels.round()).max() < 1e-2
        as_read = sorted((int(y), x.tobytes()) for x, y in zip(pixels.round().astype(np.uint8), given, strict=True))
        assert as_read == sorted((int(y), x.tobytes()) for x, y in zip(images, labels, strict=True))


@pytest.mark.parametrize("name", BUILDERS)
def test_what_is_not_there_is_told_with_the_command_that_makes_it(name: str, data: Path) -> None:
    spec = run(name, 20, None, **shape_of(name))
    check(spec)
    (line,) = missing_data([spec, spec])
    option = f" --side {FOOD_SIDE}" if name == "food101" else ""
    assert line == f"{name} has no prepared arrays on this machine; make them: frostline data {name}{option}"
    with pytest.raises(MissingData, match=r"^[^\n]+$"):
        target_data(spec)


def test_source_and_target_of_one_data_set_share_no_image(data: Path, origin: Path) -> None:
    BUILDERS["cifar10"](origin)
    taken_for_published("cifar10", origin).prepare(None, origin, 1)
    spec = run("cifar10[3-9]", 28, "cifar10[0-6]")
    ours, theirs = target_data(spec), source_data(spec)
    assert ours.inputs.shape == (28, 3, 32, 32) and ours.class_names[0] == "cat"
    assert ours.true_labels.bincount().tolist() == [4] * 7
    seen = {image.numpy().tobytes() for part in (ours, theirs) for image in part.inputs[:]}
    assert len(seen) == 2 * 28
    grey = target_data(run("cifar10[3-9]", 70, image_size=16, channels=1))
    assert grey.inputs.shape == (70, 1, 16, 16)


def test_superclasses_and_counts() -> None:
    cifar100 = row("cifar100")
    assert cifar100.superclasses is not None and len(set(cifar100.superclasses)) == 20  # pyright: ignore
    pairs = dict(zip(cifar100.classes, cifar100.superclasses, strict=True))  # pyright: ignore
    assert pairs["whale"] == "aquatic_mammals" and pairs["tank"] == "vehicles_2" and pairs["worm"] == pairs["crab"]
    assert held_out("svhn[0,1]") == 1744 + 5099 and held_out("svhn") == 26032
    assert held_out("food101") == 25250 and held_out("tiny_imagenet[0-3]") == 200 and held_out("cifar100") == 10_000


HOSTILE = {
    "parent": tarfile.TarInfo("../escaped"),
    "deep": tarfile.TarInfo("food-101/../../escaped"),
    "link": tarfile.TarInfo("food-101/link"),
    "hard link": tarfile.TarInfo("food-101/hard"),
    "device": tarfile.TarInfo("food-101/device"),
}
HOSTILE["link"].type, HOSTILE["link"].linkname = tarfile.SYMTYPE, "/etc/passwd"
HOSTILE["hard link"].type, HOSTILE["hard link"].linkname = tarfile.LNKTYPE, "../../escaped"
HOSTILE["device"].type = tarfile.CHRTYPE


def refused(name: str, origin: Path, workers: int = 1) -> str:
    """The one line that refuses files that are taken for the published ones; nothing is left behind."""
    around = origin.parent
    before = {path for path in around.rglob("*") if path.is_file()}
    with pytest.raises(BadArchive, match=r"^[^\n]+$") as refusal:
        taken_for_published(name, origin).prepare(SIDES.get(name, 32), origin, workers)
    assert {path for path in around.rglob("*") if path.is_file()} == before
    assert list(data_folder().iterdir()) == []
    return str(refusal.value)


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "food101"])
@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("first", [True, False])
def test_an_unsafe_member_of_a_tar_is_refused(
    name: str, hostile: str, first: bool, data: Path, origin: Path, tmp_path: Path
) -> None:
    BUILDERS[name](origin)
    (path,) = origin.iterdir()
    with tarfile.open(path) as archive:
        kept = [(info, archive.extractfile(info)) for info in archive]
        whole = [(info, b"" if file is None else file.read()) for info, file in kept]
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for info, content in [(HOSTILE[hostile], b""), *whole] if first else [*whole, (HOSTILE[hostile], b"")]:
            archive.addfile(info, io.BytesIO(content))
    assert "unsafe member" in refused(name, origin)


@pytest.mark.parametrize("member", ["../escaped", "/etc/passwd", "a/../../escaped", "a\\..\\..\\escaped", "link"])
def test_an_unsafe_member_of_a_zip_is_refused(member: str, data: Path, origin: Path) -> None:
    BUILDERS["tiny_imagenet"](origin)
    (path,) = origin.iterdir()
    with zipfile.ZipFile(path, "a") as archive:
        info = zipfile.ZipInfo(member)
        info.external_attr = (0o120777 << 16) if member == "link" else 0
        archive.writestr(info, "/etc/passwd")
    assert "unsafe member" in refused("tiny_imagenet", origin)


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.9, 0.9999])
def test_a_truncated_archive_is_refused_whatever_its_checksum(
    name: str, share: float, data: Path, origin: Path
) -> None:
    BUILDERS[name](origin)
    path = max(origin.iterdir(), key=lambda path: path.stat().st_size)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    refused(name, origin)


OTHER = {"pickle": b"\x80\x04N.", "page": b"<html>404</html>", "gzip": gzip.compress(b"neither" * 1000)}


@pytest.mark.parametrize("name", BUILDERS)
@pytest.mark.parametrize("content", OTHER.values(), ids=OTHER)
def test_a_file_that_is_something_else_is_refused(name: str, content: bytes, data: Path, origin: Path) -> None:
    BUILDERS[name](origin)
    for path in origin.iterdir():
        path.write_bytes(content)
    refused(name, origin)


@pytest.mark.parametrize("name", BUILDERS)
def test_another_file_than_the_published_one_is_refused(name: str, data: Path, origin: Path) -> None:
    BUILDERS[name](origin)
    before = sorted(path for path in origin.parent.rglob("*") if path.is_file())
    with pytest.raises(BadArchive, match=r"^[^\n]*SHA-256[^\n]*published[^\n]*$"):
        row(name).prepare(SIDES.get(name, 32), origin, 1)  # pyright: ignore
    assert sorted(path for path in origin.parent.rglob("*") if path.is_file()) == before


def test_bombs_are_refused_before_they_fill_the_memory(data: Path, origin: Path) -> None:
    tar(origin / "cifar-10-binary.tar.gz", {"cifar-10-batches-bin/data_batch_1.bin": bytes(200_000_000)})
    assert "not a file of at most" in refused("cifar10", origin)
    for path in origin.iterdir():
        path.unlink()

    fashion_mnist_bomb = gzip.compress(bytes(100_000_000), 1)
    for download in fashion_mnist.FILES.downloads:
        (origin / download.file).write_bytes(fashion_mnist_bomb)
    assert "more than" in refused("fashion_mnist", origin)
    for path in origin.iterdir():
        path.unlink()

    BUILDERS["tiny_imagenet"](origin)
    with zipfile.ZipFile(origin / "tiny-imagenet-200.zip", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("tiny-imagenet-200/train/n01443537/images/bomb.JPEG", bytes(50_000_000))
    assert "not a file of at most" in refused("tiny_imagenet", origin)


def png_header(width: int, height: int) -> bytes:
    """A PNG that says it has this size, and has no pixels."""
    import struct
    import zlib

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    end = b"\x00\x00\x00\x00IEND\xaeB`\x82"
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + chunk + struct.pack(">I", zlib.crc32(chunk)) + end


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize(
    ("picture", "said"),
    [
        (b"no picture", "no picture of a known format"),
        (jpeg(np.random.default_rng(0), 64, 64)[:400], "cannot be read to its end"),
        (png_header(50_000, 50_000), "pixels"),
        (png_header(9000, 9000), "9000x9000 pixels of mode RGB"),
        (png_header(10**9, 10**9), ""),
    ],
)
def test_a_broken_picture_is_refused_by_its_name(
    picture: bytes, said: str, workers: int, data: Path, origin: Path
) -> None:
    if workers == 2 and said != "no picture of a known format":
        pytest.skip("the same in a process of its own: once is enough")
    BUILDERS["food101"](origin)
    (path,) = origin.iterdir()
    with tarfile.open(path) as archive:
        content = {info.name: file.read() for info in archive if (file := archive.extractfile(info)) is not None}
    content["food-101/images/waffles/3.jpg"] = picture
    tar(path, content)
    line = refused("food101", origin, workers)
    assert "waffles/3.jpg" in line and said in line


def test_labels_that_are_none_are_refused(data: Path, origin: Path) -> None:
    BUILDERS["cifar100"](origin)
    (path,) = origin.iterdir()
    with tarfile.open(path) as archive:
        content = {info.name: file.read() for info in archive if (file := archive.extractfile(info)) is not None}
    whole = content["cifar-100-binary/train.bin"]
    for harmed, said in (
        (b"\x14" + whole[1:], "label 20 found, allowed are 0 to 19"),
        (whole[:1] + b"\x64" + whole[2:], "label 100 found, allowed are 0 to 99"),
        (whole[:-1], "no whole number of 3074-byte records"),
    ):
        tar(path, content | {"cifar-100-binary/train.bin": harmed})
        assert said in refused("cifar100", origin)
    del content["cifar-100-binary/test.bin"]
    tar(path, content)
    assert "no member cifar-100-binary/test.bin" in refused("cifar100", origin)


def test_several_processes_decode_the_same_arrays(data: Path, origin: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    BUILDERS["food101"](origin)
    files = taken_for_published("food101", origin)
    alone = files.prepare(16, origin, 1)
    monkeypatch.setenv("FROSTLINE_DATA", str(data / "other"))
    together = files.prepare(16, origin, 2)
    assert together != alone
    for name in ("about.json", "train.npy", "train-labels.npy", "test.npy", "test-labels.npy"):
        assert (together / name).read_bytes() == (alone / name).read_bytes(), name


DEBIAN = Path(fashion_mnist.DEBIAN)


@pytest.mark.skipif(not DEBIAN.is_dir(), reason="Debian's package dataset-fashion-mnist is not installed")
def test_fashion_mnist_from_the_real_files(data: Path) -> None:
    folder = fashion_mnist.FILES.prepare(None, DEBIAN, 1)
    images = np.load(folder / "train.npy", mmap_mode="r")
    raw = gunzip(DEBIAN / "train-images-idx3-ubyte.gz", 50_000_000)
    assert images.shape == (60_000, 1, 28, 28) and images.tobytes() == raw[16:]
    found = target_data(run("fashion_mnist", 60_000, image_size=28, channels=1))
    assert found.labels.bincount().tolist() == [6000] * 10 and found.test_labels.bincount().tolist() == [1000] * 10
    assert found.class_names[9] == "ankle_boot"
    assert abs(found.inputs[:].mean()) < 1e-4 and abs(found.inputs[:].std() - 1) < 1e-4
