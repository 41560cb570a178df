"""CIFAR-10 from small archives in its true format, and archives that are broken or hostile."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sweeps.spec import ModelSpec, RunSpec, SourceSpec, TargetSpec
from tasks import check, checks, source_data, target_data
from tasks.archives import BadArchive, MissingData, data_folder
from tasks.datasets import cifar10

PER_CLASS = 4


def records(seed: int, per_class: int = PER_CLASS) -> bytes:
    rng = np.random.default_rng(seed)
    labels = np.repeat(np.arange(10, dtype=np.uint8), per_class)
    pixels = rng.integers(0, 256, (len(labels), 3072), dtype=np.uint8)
    return np.concatenate((labels[:, None], pixels), 1).tobytes()


def members() -> list[tuple[tarfile.TarInfo, bytes]]:
    """The members of a small archive in the true format."""
    batches = [(f"data_batch_{number}.bin", records(number)) for number in range(1, 6)]
    texts = [("readme.html", b"<html>"), ("batches.meta.txt", "\n".join(cifar10.CLASSES).encode())]
    return [
        file(f"cifar-10-batches-bin/{name}", text) for name, text in [*texts, *batches, ("test_batch.bin", records(9))]
    ]


def file(name: str, content: bytes) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(content)
    return info, content


def link(name: str, to: str, kind: bytes = tarfile.SYMTYPE) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, to
    return info, b""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    folder = tmp_path / "data"
    folder.mkdir()
    monkeypatch.setenv("FROSTLINE_DATA", str(folder))
    checks._check.cache_clear()
    cifar10._read.cache_clear()
    yield folder
    checks._check.cache_clear()
    cifar10._read.cache_clear()


def place(folder: Path, content: list[tuple[tarfile.TarInfo, bytes]], patch: pytest.MonkeyPatch) -> Path:
    """Write an archive where it is looked for, and take its checksum for the published one."""
    path = folder / cifar10.ARCHIVE
    with tarfile.open(path, "w:gz") as archive:
        for info, data in content:
            archive.addfile(info, io.BytesIO(data))
    publish(path, patch)
    return path


def publish(path: Path, patch: pytest.MonkeyPatch) -> None:
    patch.setattr(cifar10, "MD5", hashlib.md5(path.read_bytes()).hexdigest())


def run(target: str = "cifar10", size: int = 40, source: str | None = None, **model: int) -> RunSpec:
    return RunSpec(
        source=None if source is None else SourceSpec(task=source, size=size),
        target=TargetSpec(task=target, size=size),
        model=ModelSpec(family="resnet", depth=18, width=4, **{"image_size": 32, "channels": 3, **model}),  # pyright: ignore
    )


def test_images_and_labels_are_those_of_the_records(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(folder, members(), monkeypatch)
    images, labels = cifar10.test(tuple(range(10)), 32)
    truth = np.frombuffer(records(9), np.uint8).reshape(-1, 3073)
    assert labels.tolist() == truth[:, 0].tolist()
    # Pixel (row 2, column 5) of the green plane, by the published layout.
    assert np.allclose(images[:, 1, 2, 5], truth[:, 1 + 1024 + 2 * 32 + 5] / 255)


def test_a_run_gets_balanced_disjoint_data_of_its_shape(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place(folder, members(), monkeypatch)
    spec = run("cifar10[3-9]", 35, "cifar10[0-4]")
    check(spec)
    ours, theirs = target_data(spec), source_data(spec)
    assert ours.inputs.shape == (35, 3, 32, 32) and ours.class_names[0] == "cat"
    assert ours.true_labels.bincount().tolist() == [5] * 7
    assert ours.test_labels.bincount().tolist() == [PER_CLASS] * 7
    seen = {image.numpy().tobytes() for data in (ours, theirs) for image in data.inputs}
    assert len(seen) == 2 * 35
    grey = target_data(run("cifar10[3-9]", 70, image_size=16, channels=1))
    assert grey.inputs.shape == (70, 1, 16, 16)


def test_a_missing_archive_is_told_with_the_command_that_fetches_it(folder: Path) -> None:
    for error in (ValueError, FileNotFoundError, MissingData):
        with pytest.raises(error, match=r"^[^\n]*missing; fetch it: curl [^\n]*cifar-10-binary.tar.gz$"):
            check(run())
    with pytest.raises(MissingData):
        target_data(run())


def test_a_wrong_checksum_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = place(folder, members(), monkeypatch)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    with pytest.raises(BadArchive, match=r"^[^\n]*truncated or altered[^\n]*$"):
        target_data(run())


@pytest.mark.parametrize("share", [0.0, 0.001, 0.5, 0.9, 0.9999])
def test_a_truncated_archive_is_refused_whatever_its_checksum(
    folder: Path, monkeypatch: pytest.MonkeyPatch, share: float
) -> None:
    path = place(folder, members(), monkeypatch)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    publish(path, monkeypatch)
    with pytest.raises(BadArchive, match=r"^[^\n]+$"):
        target_data(run())


@pytest.mark.parametrize(
    "hostile",
    [
        file("../escaped.bin", b"x"),
        file("cifar-10-batches-bin/../../escaped.bin", b"x"),
        link("cifar-10-batches-bin/link", "/etc/passwd"),
        link("cifar-10-batches-bin/link", "../../escaped.bin"),
        link("cifar-10-batches-bin/link", "../escaped.bin", tarfile.LNKTYPE),
        link("cifar-10-batches-bin/device", "", tarfile.CHRTYPE),
        link("cifar-10-batches-bin/pipe", "", tarfile.FIFOTYPE),
    ],
)
@pytest.mark.parametrize("first", [True, False])
def test_an_unsafe_member_is_refused_and_nothing_is_written(
    folder: Path, monkeypatch: pytest.MonkeyPatch, hostile: tuple[tarfile.TarInfo, bytes], first: bool
) -> None:
    content = [hostile, *members()] if first else [*members(), hostile]
    place(folder, content, monkeypatch)
    before = sorted(folder.parent.rglob("*"))
    with pytest.raises(BadArchive, match=r"^[^\n]*unsafe member[^\n]*$"):
        target_data(run())
    assert sorted(folder.parent.rglob("*")) == before


@pytest.mark.parametrize(
    ("name", "replacement", "said"),
    [
        ("test_batch.bin", None, "no member cifar-10-batches-bin/test_batch.bin"),
        ("data_batch_3.bin", records(3)[:-1], "no whole number of 3073-byte records"),
        ("data_batch_3.bin", b"\x0a" + records(3)[1:], "label 10 found, allowed are 0 to 9"),
        ("data_batch_1.bin", bytes(10_001 * 3073), "not a file of at most 30730000 bytes"),
    ],
)
def test_batches_that_are_none_are_refused(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, replacement: bytes | None, said: str
) -> None:
    kept = [item for item in members() if not item[0].name.endswith(name)]
    added = [] if replacement is None else [file(f"cifar-10-batches-bin/{name}", replacement)]
    place(folder, [*kept, *added], monkeypatch)
    with pytest.raises(BadArchive, match=r"^[^\n]+$") as refusal:
        target_data(run())
    assert said in str(refusal.value)


def test_a_batch_that_is_a_link_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = [item for item in members() if not item[0].name.endswith("test_batch.bin")]
    disguised = link("cifar-10-batches-bin/test_batch.bin", "data_batch_1.bin")
    place(folder, [*kept, disguised], monkeypatch)
    with pytest.raises(BadArchive, match="is not a file"):
        target_data(run())


@pytest.mark.parametrize("content", [b"", b"\x80\x04N.", b"<html>404</html>", gzip.compress(b"no tar at all" * 100)])
def test_a_file_that_is_no_archive_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    path = folder / cifar10.ARCHIVE
    path.write_bytes(content)
    publish(path, monkeypatch)
    with pytest.raises(BadArchive, match=r"^[^\n]+$"):
        target_data(run())


def test_the_data_folder_has_a_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("FROSTLINE_DATA", raising=False)
    assert data_folder() == Path.home() / ".cache" / "frostline"
