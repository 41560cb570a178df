"""`frostline data`: fetch a data set, check it, and decode it once for all workers of this machine."""

from __future__ import annotations

from pathlib import Path

from orchestrator.runners.limits import usable_cores
from sweeps.errors import InputError, shown, suggestion
from sweeps.language.task_text import dataset_of
from tasks.dataset import Dataset
from tasks.datasets.images import PREFIX
from tasks.files.archives import BadArchive, MissingData
from tasks.files.prepared import read_about
from tasks.registry import DATASETS, row


def prepare(task: str, origin: Path | None, side: int, workers: int | None) -> str:
    """Make the prepared arrays of a task's data set; what to tell the user.

    `origin` is where its files are (None: they are fetched), `side` the image size for pictures of many sizes. Raises
    InputError, in one line.
    """
    name = dataset_of(task)
    if name not in DATASETS:
        raise InputError(f"{shown(task)} is no known task{suggestion(name, DATASETS)}")
    if origin is not None and not origin.exists():
        raise InputError(f"--from {origin}: there is nothing")
    dataset = row(name)
    try:
        if dataset.prepare is None:
            if isinstance(dataset, Dataset):
                dataset.present(side)
            return f"{name}: nothing to prepare"
        folder = dataset.prepare(side, origin, workers or usable_cores())
    except (MissingData, BadArchive, ValueError) as problem:
        raise InputError(str(problem)) from None
    return _told(folder)


def _told(folder: Path) -> str:
    about = read_about(folder)
    sizes = ", ".join(f"{sum(about.counts[split])} to {split}" for split in ("train", "test"))
    gib = sum(path.stat().st_size for path in folder.iterdir()) / 2**30
    content = about.source.get("content")
    name = about.name if content is None else f"images(content={PREFIX}{content})"
    scale = f"mean {about.mean:.4f}, standard deviation {about.std:.4f}"
    return f"{name}: {len(about.classes)} classes, images {sizes}\n{scale}, {gib:.2f} GiB in {folder}"
