"""W&B runs as wandb keeps them on this disk: `offline-run-<when>-<id>` and `run-<when>-<id>`."""

from __future__ import annotations

import re
import shutil
import time
from pathlib import Path

TEMPORARY = ("logs", "tmp")
MEDIA = "files"
"""Beside a run's own file: wandb's logs, of no use after success, and thousands of files in a sweep; tables and
pictures, where a run has any."""
END_SECONDS = 2.0
"""How long the last record of a finished run may take until it is in the file."""


def tidy(folder: Path, keep_media: bool) -> None:
    """Remove what `wandb sync` of this run would not read."""
    for leftover in TEMPORARY if keep_media else (*TEMPORARY, MEDIA):
        shutil.rmtree(folder / leftover, ignore_errors=True)


def check_whole(folder: Path, wandb_id: str) -> None:
    """OSError where wandb could not write the run's last record: of a full disk it says nothing itself.

    wandb-core may still be writing it when it has said that the run is finished; END_SECONDS are left to it.
    """
    file = _file(folder, wandb_id)
    deadline = time.monotonic() + END_SECONDS
    while not _has_end(file, wandb_id):
        if time.monotonic() >= deadline:
            raise OSError(f"{file} has no end; is the disk full?")
        time.sleep(END_SECONDS / 20)


def is_whole(folder: Path, wandb_id: str) -> bool:
    """Whether a run's last record is in its file now."""
    try:
        return _has_end(_file(folder, wandb_id), wandb_id)
    except OSError:
        return False


def _file(folder: Path, wandb_id: str) -> Path:
    return folder / f"run-{wandb_id}.wandb"


def _has_end(file: Path, wandb_id: str) -> bool:
    with file.open("rb") as opened:
        opened.seek(max(0, file.stat().st_size - 256))
        return wandb_id.encode() in opened.read()


def remove_since(runs: Path, wandb_id: str, opened: str, offline: bool, whole_too: bool) -> None:
    """Remove what an attempt, offline or not, began to write at `opened` or later: half a curve would be mistaken for
    a whole one.

    Nothing else is touched: not a copy that was there before, and a whole one only where `whole_too`.
    """
    for its, began, folder in _copies(runs, re.escape(wandb_id)):
        if its == offline and began >= opened and (whole_too or not is_whole(folder, wandb_id)):
            shutil.rmtree(folder, ignore_errors=True)


def remove_all(runs: Path, wandb_ids: str, but: Path | None = None) -> None:
    """Remove the copies of the W&B runs whose id matches a regular expression as a whole, but for one folder."""
    for _, _, folder in _copies(runs, wandb_ids):
        if folder != but:
            shutil.rmtree(folder, ignore_errors=True)


def _copies(runs: Path, wandb_ids: str) -> list[tuple[bool, str, Path]]:
    """(whether it was written offline, when it was begun, folder) of each copy."""
    named = re.compile(rf"(offline-)?run-(\d{{8}}_\d{{6}})-(?:{wandb_ids})")
    folders = runs.iterdir() if runs.is_dir() else ()
    found = [(named.fullmatch(folder.name), folder) for folder in folders]
    return [(match[1] is not None, match[2], folder) for match, folder in found if match is not None]
