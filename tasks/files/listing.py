"""Pictures in an archive: which members are samples of which class, and how they become arrays."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from tasks.files.archives import BadArchive, members
from tasks.files.draft import Draft
from tasks.files.filling import Picture
from tasks.files.prepared import SPLITS, SplitName

MOST_BYTES = 2**25
"""Of one picture's file."""

Listing = Mapping[SplitName, Mapping[str, int]]
"""The label of each member, split by split, in the order of the rows."""


def decode_archive(draft: Draft, archive: Path, listing: Listing, side: int, most_total: int) -> None:
    """Decode the listed members of an archive into both splits, in colour. Raises BadArchive.

    The archive is read from its start to its end once for each split, so nothing of it is kept or extracted.
    """
    for split in SPLITS:
        labels = listing[split]
        if not labels:
            raise BadArchive(f"{archive}: no pictures to {split} on")
        pictures = _pictures(archive, list(labels), most_total)
        draft.decode(split, list(labels.values()), pictures, side, 3)


def _pictures(archive: Path, names: list[str], most_total: int) -> Iterator[Picture]:
    rows = {name: row for row, name in enumerate(names)}
    for member in members(archive, MOST_BYTES, most_total):
        row = rows.pop(member.name, None)
        if row is not None:
            yield Picture(row, member.read(), f"{archive}: {member.name}")
    if rows:
        raise BadArchive(f"{archive}: {len(rows)} listed pictures are missing, the first is {next(iter(rows))}")


def lines_of(content: bytes, path: Path, member: str) -> list[str]:
    """The lines of a text member. Raises BadArchive where it is no text."""
    try:
        return content.decode("utf-8").splitlines()
    except UnicodeDecodeError:
        raise BadArchive(f"{path}: {member} is no text") from None
