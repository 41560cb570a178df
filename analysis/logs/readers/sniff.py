"""What kind of file this is, by its first bytes and never by its suffix; and its tables."""

from __future__ import annotations

import gzip
import io
import zlib
from pathlib import Path

from analysis.logs.readers.arrays import read_npy, read_npz
from analysis.logs.readers.databases import read_parquet, read_sqlite
from analysis.logs.readers.delimited import decoded, read_delimited
from analysis.logs.readers.messages import are_messages
from analysis.logs.readers.objects import read_json
from analysis.logs.readers.table import CurveError, Table

LARGEST = 2_000_000_000
"""Bytes of text or arrays; Parquet has no limit here."""

TO_JSON = (
    "a pickle, which may run any code when it is read, and is not; where you trust it, turn it into JSON: "
    "python -c \"import json,pickle,sys; h=pickle.load(open(sys.argv[1],'rb')); "
    "json.dump(getattr(h,'history',h), open('history.json','w'), default=float)\" FILE"
)
REFUSED = (
    (
        b"\x89HDF",
        "HDF5; save the curves as CSV: pandas.DataFrame({'epoch': ..., 'test_error': ...}).to_csv('curves.csv')",
    ),
    (b"MATLAB 5.0 MAT", "MATLAB; save the curves as CSV: writetable(table(epoch, test_error), 'curves.csv')"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save the sheet as CSV"),
    (b"BZh", "compressed by bzip2; unpack it first"),
    (b"\xfd7zXZ", "compressed by xz; unpack it first"),
    (b"\x28\xb5\x2f\xfd", "compressed by zstd; unpack it first"),
    (b"\x89PNG", "a picture; the numbers behind it are needed"),
    (b"\xff\xd8\xff", "a picture; the numbers behind it are needed"),
    (b"%PDF", "a PDF; the numbers in it are needed"),
)


def is_events(path: Path, head: bytes) -> bool:
    """TensorBoard: a record of a length, a checksum, and an event that names the version of the file."""
    return "tfevents" in path.name or (len(head) > 24 and head[4:8] == b"\0\0\0\0" and b"brain.Event:" in head[:64])


def read_file(path: Path, name: str, where: str, axes: list[str]) -> list[Table]:
    """The tables of one file. Raises CurveError, one line that says what is allowed, for all else."""
    with path.open("rb") as file:
        head = file.read(512)
    if is_events(path, head):
        from analysis.logs.readers.events import read_events

        return read_events([path], name, where)
    if head[:4] == b"PAR1":
        return read_parquet(path, name, where)
    if head[:15] == b"SQLite format 3":
        return read_sqlite(path, where)
    if path.suffix.lower() == ".parquet":
        raise CurveError(f"{where}: cannot be read as Parquet: it does not begin with PAR1")
    if path.stat().st_size > LARGEST:
        raise CurveError(f"{where}: {path.stat().st_size} bytes; at most {LARGEST} are read, of Parquet any number")
    return _read_bytes(path.read_bytes(), path, name, where, axes)


def _read_bytes(data: bytes, path: Path, name: str, where: str, axes: list[str]) -> list[Table]:
    if data[:2] == b"\x1f\x8b":
        return _read_bytes(_unpacked(data, where), path.with_suffix(""), Path(name).stem, where, axes)
    if data[:6] == b"\x93NUMPY":
        return read_npy(data, name, where, axes)
    if data[:4] == b"PK\x03\x04":
        if b"xl/" in data or b"[Content_Types].xml" in data[:2000]:
            raise CurveError(f"{where}: an Excel workbook; save the sheet as CSV")
        if b"data.pkl" in data[:2000]:
            raise CurveError(
                f"{where}: a checkpoint of PyTorch, which holds {TO_JSON.replace('pickle.load', 'torch.load')}"
            )
        return read_npz(data, name, where, axes)
    if (data[:1] == b"\x80" and data[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05")) or path.suffix in (
        ".pkl",
        ".pickle",
    ):
        raise CurveError(f"{where}: {TO_JSON}")
    for magic, said in REFUSED:
        if data.startswith(magic):
            raise CurveError(f"{where}: {said}")
    text = decoded(data, where)
    if text.lstrip()[:1] in ("{", "["):
        try:
            return read_json(text, name, where)
        except CurveError:
            if not are_messages([line for line in text[:20_000].splitlines() if line.strip()]):
                raise  # else a log whose lines begin with [Epoch 3]
    if text.lstrip()[:1] == "<":
        raise CurveError(f"{where}: HTML or XML; a table of text, JSON or Parquet is allowed")
    if axes:
        raise CurveError(f"{where}: --axes is for .npy and .npz; this is text")
    return read_delimited(text, name, where)


def _unpacked(data: bytes, where: str) -> bytes:
    try:
        with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
            unpacked = file.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise CurveError(f"{where}: cannot be unpacked as gzip: {error}") from None
    if len(unpacked) > LARGEST or unpacked[:2] == b"\x1f\x8b":
        raise CurveError(f"{where}: unpacks to more than {LARGEST} bytes, or to gzip again; unpack it first")
    return unpacked
