"""Small files in the true format of every published data set, and what is in them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
from PIL import Image
from scipy.io import savemat

from tasks.files.published import Published


class Truth(NamedTuple):
    """What must come out: uint8 (N, C, H, W) and labels, of the training and of the test set."""

    train: np.ndarray
    train_labels: np.ndarray
    test: np.ndarray
    test_labels: np.ndarray


def samples(seed: int, classes: int, per_class: int, shape: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """Random images and labels, in a random order."""
    rng = np.random.default_rng(seed)
    labels = rng.permutation(np.repeat(np.arange(classes), per_class))
    return rng.integers(0, 256, (len(labels), *shape), dtype=np.uint8), labels


def tar(path: Path, content: dict[str, bytes]) -> None:
    with tarfile.open(path, "w:gz", compresslevel=1) as archive:
        for name, data in content.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def cifar10(folder: Path) -> Truth:
    train, train_labels = samples(0, 10, 10, (3, 32, 32))
    test, test_labels = samples(1, 10, 3, (3, 32, 32))

    def records(images: np.ndarray, labels: np.ndarray) -> bytes:
        return np.concatenate([labels[:, None].astype(np.uint8), images.reshape(len(images), -1)], 1).tobytes()

    root = "cifar-10-batches-bin"
    content = {f"{root}/readme.html": b"<html>", f"{root}/batches.meta.txt": b"airplane\n"}
    for number in range(5):
        part = slice(20 * number, 20 * (number + 1))
        content[f"{root}/data_batch_{number + 1}.bin"] = records(train[part], train_labels[part])
    content[f"{root}/test_batch.bin"] = records(test, test_labels)
    tar(folder / "cifar-10-binary.tar.gz", content)
    return Truth(train, train_labels, test, test_labels)


def cifar100(folder: Path) -> Truth:
    train, train_labels = samples(2, 100, 2, (3, 32, 32))
    test, test_labels = samples(3, 100, 1, (3, 32, 32))
    module = import_module("tasks.datasets.cifar100")
    order = list(module.SUPERCLASSES)

    def records(images: np.ndarray, labels: np.ndarray) -> bytes:
        coarse = np.array([order.index(module.DATASET.superclasses[label]) for label in labels])
        heads = np.stack([coarse, labels], 1).astype(np.uint8)
        return np.concatenate([heads, images.reshape(len(images), -1)], 1).tobytes()

    root = "cifar-100-binary"
    content = {f"{root}/train.bin": records(train, train_labels), f"{root}/test.bin": records(test, test_labels)}
    content[f"{root}/fine_label_names.txt"] = "\n".join(module.CLASSES).encode()
    content[f"{root}/coarse_label_names.txt"] = "\n".join(order).encode()
    tar(folder / "cifar-100-binary.tar.gz", content)
    return Truth(train, train_labels, test, test_labels)


def svhn(folder: Path) -> Truth:
    sets = samples(4, 10, 4, (3, 32, 32)), samples(5, 10, 2, (3, 32, 32))
    for (images, labels), name in zip(sets, ("train_32x32.mat", "test_32x32.mat"), strict=True):
        y = np.where(labels == 0, 10, labels)[:, None].astype(np.uint8)
        savemat(folder / name, {"X": images.transpose(2, 3, 1, 0), "y": y}, do_compression=True)
    return Truth(*sets[0], *sets[1])


def idx(array: np.ndarray) -> bytes:
    sizes = np.array(array.shape, dtype=">u4").tobytes()
    return gzip.compress(bytes((0, 0, 8, array.ndim)) + sizes + array.astype(np.uint8).tobytes(), 1)


def fashion_mnist(folder: Path) -> Truth:
    sets = samples(6, 10, 5, (1, 28, 28)), samples(7, 10, 2, (1, 28, 28))
    for (images, labels), name in zip(sets, ("train", "t10k"), strict=True):
        (folder / f"{name}-images-idx3-ubyte.gz").write_bytes(idx(images[:, 0]))
        (folder / f"{name}-labels-idx1-ubyte.gz").write_bytes(idx(labels))
    return Truth(*sets[0], *sets[1])


def jpeg(rng: np.random.Generator, width: int, height: int, mode: str = "RGB") -> bytes:
    """A smooth random picture as JPEG."""
    shape = (4, 5) if mode == "L" else (4, 5, 3)
    small = Image.fromarray(rng.integers(0, 256, shape, dtype=np.uint8))
    out = io.BytesIO()
    small.resize((width, height), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


def square(content: bytes, side: int) -> np.ndarray:
    """By another way than the product's: crop, then resize; uint8 (3, side, side)."""
    image = Image.open(io.BytesIO(content)).convert("RGB")
    edge = min(image.size)
    left, top = (image.width - edge) // 2, (image.height - edge) // 2
    cropped = image.crop((left, top, left + edge, top + edge)).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(cropped).transpose(2, 0, 1)


FOOD_SIDE = 24


def food101(folder: Path) -> Truth:
    module = import_module("tasks.datasets.food101")
    rng = np.random.default_rng(8)
    content: dict[str, bytes] = {"food-101/README.txt": b"Food-101"}
    lists: dict[str, list[str]] = {"train": [], "test": []}
    found: dict[str, list[tuple[np.ndarray, int]]] = {"train": [], "test": []}
    for label, name in enumerate(module.CLASSES):
        for split, number in (("train", 1), ("train", 2), ("test", 3)):
            data = jpeg(rng, 30 + label % 7, 40 - label % 5, "L" if label % 10 == 3 else "RGB")
            content[f"food-101/images/{name}/{number}.jpg"] = data
            lists[split].append(f"{name}/{number}")
            found[split].append((square(data, FOOD_SIDE), label))
    for split, lines in lists.items():
        content[f"food-101/meta/{split}.txt"] = "\n".join(lines).encode()
    content["food-101/meta/classes.txt"] = "\n".join(module.CLASSES).encode()
    tar(folder / "food-101.tar.gz", content)
    return _truth(found["train"], found["test"])


def tiny_imagenet(folder: Path) -> Truth:
    module = import_module("tasks.datasets.tiny_imagenet")
    rng = np.random.default_rng(9)
    root = "tiny-imagenet-200"
    train: list[tuple[np.ndarray, int]] = []
    test: list[tuple[np.ndarray, int]] = []
    with zipfile.ZipFile(folder / "tiny-imagenet-200.zip", "w") as archive:
        archive.writestr(f"{root}/wnids.txt", "\n".join(reversed(module.SYNSETS)))
        archive.mkdir(f"{root}/train")
        annotations = []
        for label, synset in enumerate(module.SYNSETS):
            archive.writestr(f"{root}/train/{synset}/{synset}_boxes.txt", f"{synset}_0.JPEG\t0\t0\t9\t9\n")
            for number in range(2):
                data = jpeg(rng, 64, 64, "L" if label % 50 == 7 else "RGB")
                archive.writestr(f"{root}/train/{synset}/images/{synset}_{number}.JPEG", data)
                train.append((square(data, 64), label))
            data = jpeg(rng, 64, 64)
            archive.writestr(f"{root}/val/images/val_{label}.JPEG", data)
            annotations.append(f"val_{label}.JPEG\t{synset}\t0\t32\t44\t62\n")
            test.append((square(data, 64), label))
        archive.writestr(f"{root}/val/val_annotations.txt", "".join(annotations))
        archive.writestr(f"{root}/test/images/test_0.JPEG", jpeg(rng, 64, 64))
    return _truth(train, test)


def _truth(train: list[tuple[np.ndarray, int]], test: list[tuple[np.ndarray, int]]) -> Truth:
    (images, labels), (test_images, test_labels) = zip(*train, strict=True), zip(*test, strict=True)
    return Truth(np.stack(images), np.array(labels), np.stack(test_images), np.array(test_labels))


BUILDERS: dict[str, Callable[[Path], Truth]] = {
    "cifar10": cifar10,
    "cifar100": cifar100,
    "fashion_mnist": fashion_mnist,
    "food101": food101,
    "svhn": svhn,
    "tiny_imagenet": tiny_imagenet,
}


def taken_for_published(name: str, folder: Path) -> Published:
    """The data set's files as if those in the folder were the published ones."""
    module = import_module(f"tasks.datasets.{name}")
    downloads = []
    for download in module.FILES.downloads:
        raw = (folder / download.file).read_bytes() if (folder / download.file).exists() else b""
        try:
            content = gzip.decompress(raw) if download.packed else raw
        except (OSError, EOFError, ValueError):
            content = raw
        sha256 = hashlib.sha256(content).hexdigest()
        downloads.append(replace(download, sha256=sha256, also=()))
    return replace(module.FILES, downloads=tuple(downloads))


@contextmanager
def published(module: ModuleType, files: Published) -> Iterator[None]:
    """The module's row of the table, with these files."""
    row = module.DATASET
    module.DATASET = replace(row, prepare=files.prepare)  # pyright: ignore[reportAttributeAccessIssue]
    try:
        yield
    finally:
        module.DATASET = row  # pyright: ignore[reportAttributeAccessIssue]
