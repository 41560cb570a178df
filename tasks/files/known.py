"""Contents that this machine has seen: what a digest stands for, and where its files were last.

A record lies in the data folder (`contents/<digest>.json`). A launch puts it into its store too, and a worker that does
not find it here takes it from there (`learn`). Keys of the files lie beside it (`contents/<digest>.keys`), here
alone: by them two contents are seen to have files in common.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from pydantic import ValidationError

from sweeps.spec import Channels, Spec
from tasks.files.content import THREADS
from tasks.files.download import data_folder
from tasks.files.folders import Content
from tasks.files.pictures import channels_of
from tasks.files.prepared import SPLITS, SplitName

MOST_PATHS = 16
KEY_DIGITS, KEY = 16, np.dtype("<u8")
"""64 bits of a file's SHA-256: of a million files against a million others two are alike by chance once in 10^7."""


class KnownContent(Spec):
    """paths: where the content was seen, the latest first; arrays: the folder that holds its prepared arrays; counts:
    samples of each class."""

    digest: str
    paths: tuple[str, ...]
    arrays: str
    classes: tuple[str, ...]
    counts: dict[str, tuple[int, ...]]
    channels: Channels


_learnt: dict[str, KnownContent] = {}


def find(digest: str) -> KnownContent | None:
    """What a digest stands for, as far as this machine or this process knows."""
    return _read(_place(digest)) or _learnt.get(digest)


def last_at(path: Path) -> KnownContent | None:
    """The content that was last seen at a path; of several the one seen most recently."""
    try:
        files = sorted((data_folder() / "contents").glob("*.json"), key=lambda file: -file.stat().st_mtime_ns)
    except OSError:
        return None
    records = (_read(file) for file in files)
    return next((record for record in records if record is not None and str(path.absolute()) in record.paths), None)


def remember(path: Path, content: Content) -> KnownContent:
    """Write down what is at a path; the record. Raises BadArchive for a file that is no picture."""
    classes = range(len(content.classes))
    before = find(content.digest)
    here = str(path.absolute())
    record = KnownContent(
        digest=content.digest,
        paths=(here, *(other for other in (before.paths if before else ()) if other != here))[:MOST_PATHS],
        arrays=str((data_folder() / "prepared").absolute()),
        classes=content.classes,
        counts={split: tuple(content.labels[split].count(label) for label in classes) for split in SPLITS},
        channels=before.channels if before else _channels(content),
    )
    place = _place(content.digest)
    place.parent.mkdir(parents=True, exist_ok=True)
    if _keys(record) is None:
        keys = [int(digest[:KEY_DIGITS], 16) for split in SPLITS for digest in content.digests[split]]
        _write(_keys_place(content.digest), np.asarray(keys, dtype=KEY).tobytes())
    _write(place, record.model_dump_json(indent=1).encode() + b"\n")
    return record


def file_keys(digest: str, split: SplitName, classes: Sequence[int]) -> np.ndarray | None:
    """The first 64 bits of the SHA-256 of each file of some classes, uint64 (N,). None where this machine has not read
    the content, but learnt of it."""
    record = find(digest)
    keys = None if record is None else _keys(record)
    if record is None or keys is None:
        return None
    counts = [record.counts[each][index] for each in SPLITS for index in range(len(record.classes))]
    parts = np.split(keys, np.cumsum(counts)[:-1])
    first = SPLITS.index(split) * len(record.classes)
    return np.concatenate([parts[first + index] for index in classes])


def _keys(record: KnownContent) -> np.ndarray | None:
    """Of the files of all splits in the order of the rows; None where they are not there, or not whole."""
    try:
        content = _keys_place(record.digest).read_bytes()
    except OSError:
        return None
    whole = len(content) == KEY.itemsize * sum(sum(counts) for counts in record.counts.values())
    return np.frombuffer(content, KEY) if whole else None


def _keys_place(digest: str) -> Path:
    return data_folder() / "contents" / f"{digest}.keys"


def _write(place: Path, content: bytes) -> None:
    part = place.with_name(f"{place.name}.{os.getpid()}")
    part.write_bytes(content)
    os.replace(part, place)


def _channels(content: Content) -> Channels:
    """3 where any picture is in colour, from their headers."""
    files = [file for split in SPLITS for file in content.files[split]]
    with ThreadPoolExecutor(THREADS) as pool:
        return 3 if 3 in list(pool.map(lambda file: channels_of(file, str(file)), files)) else 1


def record_of(digest: str) -> bytes:
    """The record as it is put into a store. Raises KeyError for a content that is not known."""
    record = find(digest)
    if record is None:
        raise KeyError(digest)
    return record.model_dump_json(indent=1).encode()


def learn(record: bytes) -> None:
    """Take a record from a store. Raises ValueError for what is none."""
    known = KnownContent.model_validate_json(record)
    _learnt[known.digest] = known


def _place(digest: str) -> Path:
    return data_folder() / "contents" / f"{digest}.json"


def _read(file: Path) -> KnownContent | None:
    try:
        return KnownContent.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None
