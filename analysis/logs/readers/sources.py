"""Files, folders and patterns to tables: which file is what run, and what is left out."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from glob import glob
from pathlib import Path

from analysis.logs.readers.databases import Points, metric_tables, without_deleted
from analysis.logs.readers.events import read_events
from analysis.logs.readers.sniff import read_file
from analysis.logs.readers.table import CurveError, Table, listed, short, visible
from analysis.logs.readers.words import TEST, TRAIN

SUFFIXES = {".csv", ".tsv", ".txt", ".dat", ".log", ".json", ".jsonl", ".ndjson", ".npy", ".npz", ".parquet", ".db",
            ".gz", ".sqlite"}  # fmt: skip
"""Files of a folder that are read where it holds neither Lightning's, TensorBoard's nor MLflow's."""


@dataclass
class Sources:
    """tables: of all files. refused: a line for each file that could not be read, while others could."""

    tables: list[Table] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)


def read_sources(paths: Sequence[Path], axes: list[str]) -> Sources:
    """Tables of all paths. Raises CurveError where one does not exist or nothing at all can be read."""
    found = Sources()
    expanded = [path for given in paths for path in _expanded(given)]
    for path in expanded:
        try:
            _read(path, found, axes)
        except CurveError as error:
            if len(expanded) == 1:
                raise
            found.refused.append(str(error))
        except OSError as error:
            raise CurveError(f"{visible(str(path))}: {error.strerror or error}") from None
    if not found.tables:
        several = f"{len(found.refused)} files, none that can be read; the first: " if len(found.refused) > 1 else ""
        raise CurveError(several + found.refused[0])
    _distinct(found.tables)
    return found


def _expanded(given: Path) -> list[Path]:
    if given.exists():
        return [given]
    matches = sorted(glob(str(given), recursive=True)) if any(c in str(given) for c in "*?[") else []
    if not matches:
        raise CurveError(f"{visible(str(given))}: no such file or folder")
    return [Path(match) for match in matches]


def _read(path: Path, found: Sources, axes: list[str]) -> None:
    where = visible(str(path))
    if path.is_file():
        found.tables += read_file(path, _stem(path), where, axes)
    elif not path.is_dir():
        raise CurveError(f"{where}: neither a file nor a folder")
    elif not (_lightning(path, found, axes) or _tensorboard(path, found) or _mlruns(path, found)):
        _plain_files(path, found, axes)


def _stem(path: Path) -> str:
    return path.stem if path.suffix != ".gz" else Path(path.stem).stem


def _each(files: Iterable[Path], names: Sequence[str], found: Sources, axes: list[str]) -> list[Table]:
    tables: list[Table] = []
    refused: list[str] = []
    for file, name in zip(files, names, strict=True):
        try:
            tables += read_file(file, name, visible(str(file)), axes)
        except CurveError as error:
            refused.append(str(error))
    if not tables:
        more = f" (and {len(refused) - 1} more files)" if len(refused) > 1 else ""
        raise CurveError(f"{refused[0]}{more}")
    found.tables += tables
    found.refused += refused
    return tables


def _lightning(folder: Path, found: Sources, axes: list[str]) -> bool:
    files = sorted(folder.rglob("metrics.csv"))
    if files:
        for table in _each(files, [_below(f.parent, folder) for f in files], found, axes):
            table.logged = True
            table.said.insert(0, "Lightning metrics.csv")
    return bool(files)


def _tensorboard(folder: Path, found: Sources) -> bool:
    files = sorted(folder.rglob("*tfevents*"))
    parents = list(dict.fromkeys(file.parent for file in files if file.is_file()))
    refused: list[str] = []
    parts: dict[str, list[Table]] = {}
    for parent in parents:
        split = parent != folder and parent.name.lower() in (*TEST, *TRAIN)  # Keras: logs/train, logs/validation
        name = _below(parent.parent if split else parent, folder)
        inside = [file for file in files if file.parent == parent]
        try:
            read = read_events(inside, name, visible(str(parent)), f"{parent.name}/" if split else "")
        except CurveError as error:
            refused.append(str(error))
            continue
        parts.setdefault(name, []).extend(read)
    for tables in parts.values():
        found.tables.append(_beside(tables) if len(tables) > 1 else tables[0])
    if parents and not parts:
        raise CurveError(refused[0])
    found.refused += refused
    return bool(parents)


def _beside(tables: list[Table]) -> Table:
    """Tables of one run, with columns of their own, on their common steps."""
    points: Points = {"": {}}
    for table in tables:
        for i, step in enumerate(table.columns["step"].tolist()):
            row = {k: float(c[i]) for k, c in table.columns.items() if k != "step" and math.isfinite(c[i])}
            points[""].setdefault(step, {}).update(row)
    (joined,) = metric_tables(points, {"": tables[0].name}, {}, "TensorBoard events", tables[0].where)
    return joined


def _mlruns(folder: Path, found: Sources) -> bool:
    """MLflow's file store: <experiment>/<run>/metrics/<key> with a line `timestamp value step` per value."""
    runs = sorted({file.parent for file in folder.rglob("meta.yaml") if (file.parent / "metrics").is_dir()})
    points: Points = {}
    names: dict[str, str] = {}
    settings: dict[str, dict[str, str]] = {}
    deleted = {
        run for run in runs if ".trash" in run.relative_to(folder).parts or _told(run, "lifecycle_stage") == "deleted"
    }
    for run in runs:
        if run in deleted:
            continue
        named = run / "tags" / "mlflow.runName"
        names[run.name] = named.read_text("utf-8", "replace").strip() if named.is_file() else ""
        names[run.name] = names[run.name] or _told(run, "run_name") or run.name
        params = [file for file in (run / "params").rglob("*") if file.is_file()]
        settings[run.name] = {p.relative_to(run / "params").as_posix(): p.read_text("utf-8", "replace") for p in params}
        for file in sorted(f for f in (run / "metrics").rglob("*") if f.is_file()):
            key = file.relative_to(run / "metrics").as_posix()
            for number, line in enumerate(file.read_text("utf-8", "replace").splitlines(), 1):
                try:
                    _, value, step = line.split()[:3]
                    points.setdefault(run.name, {}).setdefault(float(int(step)), {})[key] = float(value)
                except ValueError:
                    raise CurveError(
                        f"{visible(str(file))}: line {number}: {short(line)!r}; `timestamp value step` is allowed"
                    ) from None
    if runs:
        kind = without_deleted("MLflow folder", len(deleted))
        found.tables += metric_tables(points, names, settings, kind, visible(str(folder)))
    return bool(runs)


def _told(run: Path, field: str) -> str:
    """What MLflow's meta.yaml says of a run; empty where it does not."""
    for line in (run / "meta.yaml").read_text("utf-8", "replace").splitlines():
        if line.startswith(f"{field}:"):
            return line.removeprefix(f"{field}:").strip().strip("'\"")
    return ""


def _plain_files(folder: Path, found: Sources, axes: list[str]) -> None:
    files = sorted(f for f in folder.iterdir() if f.is_file() and f.suffix.lower() in SUFFIXES)
    files = files or sorted(f for f in folder.rglob("*") if f.is_file() and f.suffix.lower() in SUFFIXES)
    if not files:
        raise CurveError(
            f"{visible(str(folder))}: neither metrics.csv nor tfevents nor files named {', '.join(sorted(SUFFIXES))}"
        )
    names = [file.relative_to(folder).with_name(_stem(file)).as_posix() for file in files]
    if len(files) > 1 and len({name.rsplit("/", 1)[-1] for name in names}) == 1 and all("/" in n for n in names):
        names = [name.rsplit("/", 1)[0] for name in names]  # run_1/log.csv, run_2/log.csv
    _each(files, names, found, axes)
    others = [f.name for f in sorted(folder.iterdir()) if f.is_file() and f not in set(files)]
    if others:
        found.said.append(f"{visible(str(folder))}: not read: {listed(others)}")


def _below(folder: Path, root: Path) -> str:
    name = folder.relative_to(root).as_posix()
    return root.resolve().name if name == "." else name


def _distinct(tables: list[Table]) -> None:
    """Tables of one name from several files take their folder's name before it, until they differ."""
    taken = Counter((table.name, table.seed) for table in tables)
    for table in tables:
        if taken[table.name, table.seed] > 1 and len({t.where for t in tables if t.name == table.name}) > 1:
            table.name = f"{Path(table.where).parent.name}/{table.name}".lstrip("/")
