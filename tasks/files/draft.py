"""Writing prepared arrays: under another name until they are complete."""

from __future__ import annotations

import fcntl
import math
import os
import shutil
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from tasks.files.content import file_sha256
from tasks.files.download import data_folder
from tasks.files.filling import Picture, Target, fill
from tasks.files.pictures import Channels
from tasks.files.prepared import FORMAT, SPLITS, About, SplitName, folder_of
from tasks.files.progress import shown

PIECE = 4096
"""Images that are counted at a time."""


class Draft:
    """The folder of a data set's arrays while they are made. `workers` is the number of processes that decode."""

    def __init__(self, folder: Path, name: str, side: int | None, classes: Sequence[str], workers: int) -> None:
        self.folder = folder
        self.name = name
        self.side = side
        self.classes = tuple(classes)
        self.workers = workers

    def write(self, split: SplitName, images: np.ndarray, labels: np.ndarray) -> None:
        """A split that is in memory: images uint8 (N, C, H, W), labels (N,)."""
        np.save(self.folder / f"{split}.npy", np.ascontiguousarray(images), allow_pickle=False)
        self._write_labels(split, labels)

    def decode(
        self, split: SplitName, labels: Sequence[int], pictures: Iterable[Picture], side: int, channels: Channels
    ) -> None:
        """A split of pictures, one for each label, in any order. Goes on where an earlier draft of the same source
        stopped. Raises BadArchive for a picture that cannot be read."""
        path = self.folder / f"{split}.npy"
        shape = (len(labels), channels, side, side)
        if not path.exists():
            np.lib.format.open_memmap(path, mode="w+", dtype=np.uint8, shape=shape).flush()
        target = Target(path, path.stat().st_size - math.prod(shape), side, channels)
        with shown(f"decoding {self.name} ({split})", len(labels)) as advance:
            fill(target, pictures, self.workers, self.folder / f"{split}.finished", advance)
        self._write_labels(split, np.asarray(labels))

    def _write_labels(self, split: SplitName, labels: np.ndarray) -> None:
        np.save(self.folder / f"{split}-labels.npy", labels.astype(np.int64), allow_pickle=False)

    def close(self, source: dict[str, str]) -> None:
        """Write about.json: counts, digests, and the scale of the training pixels."""
        counts, sha256 = {}, {}
        for split in SPLITS:
            (self.folder / f"{split}.finished").unlink(missing_ok=True)
            labels = np.load(self.folder / f"{split}-labels.npy", allow_pickle=False)
            counts[split] = tuple(np.bincount(labels, minlength=len(self.classes)).tolist())
            sha256 |= {name: file_sha256(self.folder / name) for name in (f"{split}.npy", f"{split}-labels.npy")}
        mean, std = scale_of(np.load(self.folder / "train.npy", mmap_mode="r", allow_pickle=False))
        about = About(
            format=FORMAT,
            name=self.name,
            side=self.side,
            classes=self.classes,
            source=source,
            mean=mean,
            std=std,
            counts=counts,
            sha256=sha256,
        )
        (self.folder / "about.json").write_text(about.model_dump_json(indent=1) + "\n")


def scale_of(images: np.ndarray) -> tuple[float, float]:
    """Mean and standard deviation of uint8 pixels on the scale [0, 1], from exact counts of the 256 levels."""
    counts = np.zeros(256, dtype=np.int64)
    for start in range(0, len(images), PIECE):
        counts += np.bincount(images[start : start + PIECE].reshape(-1), minlength=256)
    levels, pixels = range(256), int(counts.sum())
    mean = sum(level * int(count) for level, count in zip(levels, counts, strict=True)) / pixels
    variance = math.fsum((level - mean) ** 2 * int(count) for level, count in zip(levels, counts, strict=True)) / pixels
    return mean / 255, math.sqrt(variance) / 255 or 1.0


def prepare(
    name: str,
    side: int | None,
    classes: Sequence[str],
    source: dict[str, str],
    make: Callable[[Draft], None],
    workers: int,
) -> Path:
    """Make a data set's arrays, unless they are there already; their folder.

    `make` writes both splits of the draft. One process of a machine at a time prepares; what an error leaves behind is
    removed, what an interruption leaves behind is used by the next call on the same source.
    """
    final = folder_of(name, side)
    with _alone(data_folder()):
        if (final / "about.json").is_file():
            return final
        part = final.with_name(f".{final.name}.part")
        mark = "\n".join(f"{file} {sha256}" for file, sha256 in sorted(source.items()))
        if not part.exists() or not (part / "source").exists() or (part / "source").read_text() != mark:
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir(parents=True)
            (part / "source").write_text(mark)
        draft = Draft(part, name, side, classes, workers)
        try:
            make(draft)
            (part / "source").unlink()
            draft.close(source)
            shutil.rmtree(final, ignore_errors=True)  # a folder without about.json: somebody has deleted half of it
            os.rename(part, final)
        except Exception:
            shutil.rmtree(part, ignore_errors=True)
            _remove_if_empty(final.parent)
            raise
    return final


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process of this machine prepares in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _remove_if_empty(folder: Path) -> None:
    if folder.is_dir() and not any(folder.iterdir()):
        folder.rmdir()
