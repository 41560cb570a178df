"""Verdicts as text for a terminal of any width, as JSON, and as table files."""

from __future__ import annotations

import csv
import json
import shutil
import textwrap
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from analysis.logs.judge import Judged
from analysis.logs.readers.table import CurveError, visible
from sweeps.console import for_json

HEAD = ("run", "seeds", "shape", "first min", "peak", "second min", "p", "q")
TABLES = (".csv", ".parquet", ".json", ".md")


def as_json(judged: Judged) -> str:
    """A list of objects, one per run. A number that is not finite is null."""
    rows = [for_json(v.as_json(r.name)) for r, v in zip(judged.runs, judged.verdicts, strict=True)]
    return json.dumps(rows, indent=1, allow_nan=False)


def as_text(judged: Judged, axis: str, loss: bool, width: int | None = None) -> str:
    """A table where it fits the terminal, else a paragraph a run. Names stand as they are, none is cut."""
    width = width or shutil.get_terminal_size((80, 24)).columns
    rows = [_row(v.as_json(r.name), loss) for r, v in zip(judged.runs, judged.verdicts, strict=True)]
    kept = [i for i in range(len(HEAD)) if i < 3 or any(row[i] for row, _ in rows)]
    columns = [[HEAD[i], *(row[i] for row, _ in rows)] for i in kept]
    sizes = [max(map(_width, column)) for column in columns]
    if sum(sizes) + 2 * (len(sizes) - 1) <= width:
        lines = [
            "  ".join(_padded(c, s) for c, s in zip(cells, sizes, strict=True)).rstrip()
            for cells in zip(*columns, strict=True)
        ]
        lines.insert(1, "-" * (sum(sizes) + 2 * (len(sizes) - 1)))
        notes = [f"{row[0]}: {note}" for row, note in rows if note]
        lines += [line for note in notes for line in _wrapped(note, width)]
    else:
        lines = [line for row, note in rows for line in _paragraph(row, note, width)]
    return "\n".join([*lines, *_legend(rows, axis, loss, width)])


def _row(found: dict[str, Any], loss: bool) -> tuple[list[str], str]:
    """Cells in the order of HEAD, and the note."""
    shape = str(found["shape"])
    doubt = found["significance"] if found["strength"] and found["significance"] != "significant" else None
    words = [w for w in (found["strength"], doubt, "censored" if found["censored"] else None) if w]
    words += ["co-adaptation"] if found["cause"] == "co_adaptation" else []
    shape += f" ({', '.join(str(w).replace('_', ' ') for w in words)})" if words else ""
    single = found.get("single_seed_significance")
    p = f"{found['p_value']:.3g}" if found["p_value"] is not None else "" if single is None else f"({single:.3g})"
    places = [_at(found[name], loss) for name in ("first_min", "peak", "second_min")]
    cells = [
        visible(str(found["run"])),
        str(found.get("seeds") or 1),
        shape,
        *places,
        p,
        "" if found["q_value"] is None else f"{found['q_value']:.3g}",
    ]
    return cells, visible(str(found.get("note") or ""))


def _at(point: dict[str, Any] | None, loss: bool) -> str:
    if point is None:
        return ""
    return (f"{point['error']:.4g}" if loss else f"{100 * point['error']:.1f} %") + f" @ {point['epoch']:.4g}"


def _paragraph(row: list[str], note: str, width: int) -> list[str]:
    run, seeds, shape, first, peak, second, p, q = row
    parts = [f"{seeds} seed{'s' if seeds != '1' else ''}"]
    parts += [f"{name} {text}" for name, text in (("first min", first), ("peak", peak), ("second min", second)) if text]
    parts += [f"{name} {text}" for name, text in (("p", p), ("q", q)) if text]
    words = [part.replace(" ", "\xa0") for part in parts]
    body = [*_wrapped(shape, width, "  "), *_wrapped(", ".join(words), width, "  ")]
    return [run, *(line.replace("\xa0", " ") for line in body), *(_wrapped(note, width, "  ") if note else [])]


def _wrapped(text: str, width: int, indent: str = "") -> list[str]:
    return textwrap.wrap(text, max(20, width), initial_indent=indent, subsequent_indent=indent + "  ",
                         break_long_words=False, break_on_hyphens=False)  # fmt: skip


def _legend(rows: Sequence[tuple[list[str], str]], axis: str, loss: bool, width: int) -> list[str]:
    parts = [f"{'loss' if loss else 'error'} @ {axis}"]
    p_values = [row[6] for row, _ in rows]
    if any(p and not p.startswith("(") for p in p_values):
        parts.append("p: test over seeds")
    if any(p.startswith("(") for p in p_values):
        parts.append("(p): one seed, against its own noise only")
    if any(p_values):
        parts.append("q: Benjamini-Hochberg over runs")
    return _wrapped("; ".join(parts), width)


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _padded(text: str, size: int) -> str:
    return text + " " * (size - _width(text))


def check_table(path: Path) -> None:
    """Raises CurveError for a suffix of which no table is written."""
    if path.suffix.lower() not in TABLES:
        raise CurveError(f"out: {path}: {path.suffix or 'no suffix'}; allowed are {', '.join(TABLES)}")


def write_table(path: Path, judged: Judged) -> None:
    """One row per run, the fields of `--json` flattened: peak_epoch, peak_error, ... Raises CurveError where the file
    cannot be written.
    """
    rows = [_flat(v.as_json(r.name)) for r, v in zip(judged.runs, judged.verdicts, strict=True)]
    names = list(dict.fromkeys(name for row in rows for name in row))
    suffix = path.suffix.lower()
    try:
        if suffix == ".json":
            path.write_text(as_json(judged) + "\n", encoding="utf-8")
        elif suffix == ".parquet":
            import pyarrow as pa
            import pyarrow.parquet as pq

            pq.write_table(pa.Table.from_pylist([{n: row.get(n) for n in names} for row in rows]), path)
        elif suffix == ".csv":
            from analysis.report.spreadsheet import as_text as cell_text

            with path.open("w", encoding="utf-8", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerow(names)
                writer.writerows(
                    [cell_text(_cell(each)) if isinstance(each, str) else _cell(each) for each in map(row.get, names)]
                    for row in rows
                )
        else:
            lines = [names, ["---"] * len(names)]
            lines += [[_cell(row.get(n)).replace("|", "\\|") for n in names] for row in rows]
            path.write_text("".join(f"| {' | '.join(line)} |\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise CurveError(f"out: {path}: {error.strerror or error}") from None


def _flat(found: dict[str, Any]) -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in for_json(found).items():
        if key in ("first_min", "peak", "second_min"):
            value = value or {"epoch": None, "error": None}
        if isinstance(value, dict):
            flat |= {f"{key}_{inner}": v for inner, v in _flat(value).items()}
        elif (isinstance(value, list) and len(value) == 2) or key.endswith("_interval"):
            low, high = value or (None, None)
            flat |= {f"{key}_low": low, f"{key}_high": high}
        else:
            flat[key] = value
    return flat


def _cell(value: Any) -> str:
    return "" if value is None else visible(value) if isinstance(value, str) else str(value)
