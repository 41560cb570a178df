"""Fashion-MNIST: 70,000 pictures of articles of clothing, 28x28 pixels and 256 grey levels, in ten classes.

Four IDX files, compressed with gzip. Debian ships them too, compressed anew (package `dataset-fashion-mnist`), so it is
the content of each that has a digest.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tasks.files.archives import BadArchive, gunzip
from tasks.files.download import Download
from tasks.files.draft import Draft
from tasks.files.idx import parse_idx
from tasks.files.prepared import SplitName
from tasks.files.published import Published

CLASSES = (
    *("t_shirt", "trouser", "pullover", "dress", "coat"),
    *("sandal", "shirt", "sneaker", "bag", "ankle_boot"),
)
POOL = (6000,) * 10
SIDE = 28
DEBIAN = "/usr/share/datasets/fashion-mnist"


def _download(file: str, sha256: str, size: int) -> Download:
    url = f"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/{file}"
    return Download(file, url, sha256, size, packed=True, also=(DEBIAN,))


TRAIN_IMAGES = _download(
    "train-images-idx3-ubyte.gz", "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888", 47_040_016
)
TRAIN_LABELS = _download(
    "train-labels-idx1-ubyte.gz", "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9", 60_008
)
TEST_IMAGES = _download(
    "t10k-images-idx3-ubyte.gz", "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b", 7_840_016
)
TEST_LABELS = _download(
    "t10k-labels-idx1-ubyte.gz", "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34", 10_008
)


def make(draft: Draft, files: Mapping[str, Path]) -> None:
    """Write both splits of a draft. Raises BadArchive."""
    parts: tuple[tuple[SplitName, Download, Download], ...] = (
        ("train", TRAIN_IMAGES, TRAIN_LABELS),
        ("test", TEST_IMAGES, TEST_LABELS),
    )
    for split, of_images, of_labels in parts:
        path = files[of_labels.file]
        images = parse_idx(gunzip(files[of_images.file], of_images.bytes), files[of_images.file], 3)
        labels = parse_idx(gunzip(path, of_labels.bytes), path, 1)
        if images.shape != (len(labels), SIDE, SIDE) or not len(labels) or labels.max() >= len(CLASSES):
            raise BadArchive(f"{path}: labels of {len(labels)} images below {len(CLASSES)}; images {images.shape}")
        draft.write(split, images[:, None], labels)


FILES = Published("fashion_mnist", CLASSES, (TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS), make)

DATASET = FILES.dataset(
    pool=POOL,
    held_out=lambda classes: 1000 * len(classes),
    citation=(
        "Fashion-MNIST: H. Xiao, K. Rasul and R. Vollgraf (2017), Fashion-MNIST: a Novel Image Dataset for "
        "Benchmarking Machine Learning Algorithms, arXiv:1708.07747."
    ),
    licence="MIT",
)
