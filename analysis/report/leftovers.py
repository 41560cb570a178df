"""Files of an earlier version of a sweep do not stay beside the new ones unnoticed.

A folder of results has a list of what was written there, by which version of which sweep. After writing, files of an
earlier version that are as they were written are removed, since the store gives them again; what somebody has changed
since, and figures that no list knows, are named and left. Files of other sweeps, and a page under a name that a user
chose, are nobody's leftovers.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable
from pathlib import Path

from analysis.report.table_files import replaced
from sweeps.errors import printable
from sweeps.records import SweepRecord

LIST = ".frostline-files.json"
FIGURES = "figures"
_OURS = re.compile(
    r"(?:figures/(?:(?:final_by|epochs_by|surface|theory)_.+|negative_transfer)\.(?:png|pdf|svg|txt|tex)"
    r"|figures/gallery\.html"
    r"|(?:epochs|runs|cells|verdicts|surface|budgets|measures|theory)\.\w+|report\.html)"
)
MOST_NAMED = 3

Entry = dict[str, str]
"""sweep, digest (of the sweep), sha256 (of the file)."""


def settle(folder: Path, record: SweepRecord, written: Iterable[Path], drew_figures: bool) -> list[str]:
    """Take note of the files that were written to `folder`, and remove what an earlier version left; lines on both.

    drew_figures: `written` has all figures of the sweep, so that others of its figures are leftovers too. Raises
    OSError where the folder cannot be written.
    """
    listed = _read(folder)
    now = {path.relative_to(folder).as_posix(): path for path in written if path.is_relative_to(folder)}
    removed, changed = [], []
    for name, entry in list(listed.items()):
        old = entry["digest"] != record.digest or (drew_figures and name.startswith(f"{FIGURES}/"))
        if name in now or entry["sweep"] != record.name or not old:
            continue
        path = folder / name
        if path.is_file() and _digest(path) != entry["sha256"]:
            changed.append(name)
            continue
        path.unlink(missing_ok=True)
        del listed[name]
        removed.append(name)
    for name, path in now.items():
        if _OURS.fullmatch(name):
            listed[name] = {"sweep": record.name, "digest": record.digest, "sha256": _digest(path)}
    with replaced(folder / LIST) as file:
        file.write(json.dumps(listed, indent=1, sort_keys=True).encode())
    unknown = [name for name in _figures(folder) if name not in listed] if drew_figures else []
    return [
        *([f"removed, of an earlier version of {record.name}: {_named(removed)}"] if removed else []),
        *([f"left, of an earlier version of {record.name} and changed since: {_named(changed)}"] if changed else []),
        *([f"left, not of this version of {record.name}: {_named(unknown)}"] if unknown else []),
    ]


def _figures(folder: Path) -> list[str]:
    found = [path.relative_to(folder).as_posix() for path in (folder / FIGURES).glob("*")]
    return sorted(name for name in found if _OURS.fullmatch(name))


def _read(folder: Path) -> dict[str, Entry]:
    """The list as it is; what is no entry of ours, or names something outside the folder, is not in it."""
    try:
        content = json.loads((folder / LIST).read_bytes())
    except (OSError, ValueError):
        return {}
    keys = {"sweep", "digest", "sha256"}
    if not isinstance(content, dict):
        return {}
    return {
        name: entry
        for name, entry in content.items()
        if _OURS.fullmatch(name) and "/../" not in f"/{name}/" and isinstance(entry, dict) and keys <= entry.keys()
    }


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _named(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return printable(", ".join(names[:MOST_NAMED])) + more
