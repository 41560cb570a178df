"""The content of files, by digest: computed once, side by side, and remembered until a file changes.

What is remembered lies in the data folder (`digests/`): for each file its size, inode and times of change, and its
SHA-256. A file that changed less than two seconds before it was read is read again next time: a second change could
leave size and times as they were.
"""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tasks.files.archives import MissingData
from tasks.files.download import data_folder
from tasks.files.progress import shown

THREADS = 8
"""They wait for a disk, or hash: neither holds Python's lock."""
SETTLED_NS = 2 * 10**9
SHOWN_BYTES = 2**26
"""Less is read before a bar could be seen."""


def content_digests(root: Path, files: Sequence[Path]) -> list[str]:
    """The SHA-256 of each file, 64 hex digits; `root` is what they belong to. Raises MissingData, in one line, where
    one is not to be read.
    """
    kept = data_folder() / "digests" / f"{hashlib.sha256(os.fsencode(root.absolute())).hexdigest()[:32]}.txt"
    known = _read(kept)
    try:
        states = [_state(file) for file in files]
        names = [_name(file, root) for file in files]
        keys = list(zip(names, states, strict=True))
        asked = [index for index, key in enumerate(keys) if key not in known]
        began = time.time_ns()
        sizes = [int(states[index].partition(" ")[0]) for index in asked]
        found = _hashed([files[index] for index in asked], sizes)
    except OSError as problem:
        raise MissingData(f"{problem.filename}: {problem.strerror}") from None
    digests = [known.get(key, "") for key in keys]
    for index, sha256 in zip(asked, found, strict=True):
        digests[index] = sha256
    if asked:
        settled = [began - max(int(part) for part in state.split()[2:]) > SETTLED_NS for state in states]
        lines = zip(names, states, digests, settled, strict=True)
        _write(kept, [f"{state} {sha256} {name}\n" for name, state, sha256, old in lines if old and "\n" not in name])
    return digests


def file_digest(path: Path) -> str:
    """The SHA-256 of one file by itself, of weights say. Raises MissingData, in one line, where it cannot be read."""
    return content_digests(path, [path])[0]


def file_sha256(path: Path) -> str:
    """Of what is there now, read whole. Raises OSError."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _hashed(files: list[Path], sizes: list[int]) -> list[str]:
    total = sum(sizes)
    if total < SHOWN_BYTES:
        return [file_sha256(file) for file in files]
    with shown("reading", total, bytes_=True) as advance, ThreadPoolExecutor(THREADS) as pool:
        digests = []
        for size, sha256 in zip(sizes, pool.map(file_sha256, files), strict=True):
            advance(size)
            digests.append(sha256)
        return digests


def _name(file: Path, root: Path) -> str:
    """Relative to the root, where it is below it."""
    return str(file).removeprefix(f"{root}{os.sep}")


def _state(file: Path) -> str:
    found = file.stat()
    return f"{found.st_size} {found.st_ino} {found.st_mtime_ns} {found.st_ctime_ns}"


def _read(kept: Path) -> dict[tuple[str, str], str]:
    """SHA-256 by name and state. What cannot be read is not known."""
    try:
        lines = kept.read_text(encoding="utf-8", errors="surrogateescape").split("\n")
    except OSError:
        return {}
    parts = [line.split(" ", 5) for line in lines]
    return {(part[5], " ".join(part[:4])): part[4] for part in parts if len(part) == 6 and len(part[4]) == 64}


def _write(kept: Path, lines: list[str]) -> None:
    """Best effort: without it the files are read again."""
    part = kept.with_name(f"{kept.name}.{os.getpid()}")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        part.write_text("".join(lines), encoding="utf-8", errors="surrogateescape")
        os.replace(part, kept)
    except OSError:
        part.unlink(missing_ok=True)
