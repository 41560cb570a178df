"""Reads offline `.wandb` files back: protobuf records in the framing of LevelDB's log, each chunk with its CRC."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from wandb.proto import wandb_internal_pb2

MAGIC = struct.pack("<4sHB", b":W&B", 0xBEE1, 0)
BLOCK = 32768
CHUNK = struct.Struct("<IHB")
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4


@dataclass
class Artifact:
    """One artifact as a run logs it. contents: name -> file on this disk, or the URI of a reference."""

    name: str
    type: str
    metadata: dict[str, Any]
    contents: dict[str, str]


@dataclass
class WandbRun:
    """One W&B run as its file tells it. `history` has one dict for each row that was logged."""

    id: str = ""
    project: str = ""
    group: str = ""
    job_type: str = ""
    name: str = ""
    host: str = ""
    tags: tuple[str, ...] = ()
    config: dict[str, Any] = field(default_factory=dict)
    step_metrics: dict[str, str] = field(default_factory=dict)
    """Metric name (or pattern) -> the metric on its x-axis; empty for a metric that is an axis itself."""
    history: list[dict[str, Any]] = field(default_factory=list)
    summary: dict[str, Any] = field(default_factory=dict)
    exit_code: int | None = None
    commit: str = ""
    files: tuple[str, ...] = ()
    """Tables, pictures and pages, by their path below the run's folder of files."""
    artifacts: list[Artifact] = field(default_factory=list)


def read_run(path: Path) -> WandbRun:
    """The run in a file. Raises ValueError where the framing or a checksum is wrong."""
    run = WandbRun()
    # Generated when it is imported: its classes are not in the source.
    records: Any = wandb_internal_pb2
    for message in messages(path.read_bytes()):
        _add(run, records.Record.FromString(message))
    return run


def messages(data: bytes) -> Iterator[bytes]:
    """The serialised records. Raises ValueError where the framing or a checksum is wrong."""
    if not data.startswith(MAGIC):
        raise ValueError("no header of a W&B file")
    position, parts = len(MAGIC), []
    while position < len(data):
        left = BLOCK - position % BLOCK
        if left < CHUNK.size:
            position += left
            continue
        checksum, length, kind = CHUNK.unpack_from(data, position)
        position += CHUNK.size
        part = data[position : position + length]
        position += length
        if zlib.crc32(bytes([kind]) + part) != checksum or len(part) != length:
            raise ValueError(f"checksum differs at byte {position}")
        if (kind in (FULL, FIRST)) == bool(parts):
            raise ValueError(f"chunk of kind {kind} out of place at byte {position}")
        parts.append(part)
        if kind in (FULL, LAST):
            yield b"".join(parts)
            parts = []
    if parts:
        raise ValueError("the last record is incomplete")


def _add(run: WandbRun, record: Any) -> None:
    kind = record.WhichOneof("record_type")
    if kind == "run":
        run.id, run.project, run.group = record.run.run_id, record.run.project, record.run.run_group
        run.job_type, run.name = record.run.job_type, record.run.display_name
        run.host, run.tags = record.run.host, tuple(record.run.tags)
        run.config.update(_values(record.run.config.update))
        run.commit = record.run.git.commit
    elif kind == "metric":
        run.step_metrics[record.metric.name or record.metric.glob_name] = record.metric.step_metric
    elif kind == "history":
        run.history.append(_values(record.history.item))
    elif kind == "summary":
        run.summary.update(_values(record.summary.update))
    elif kind == "files":
        run.files += tuple(file.path for file in record.files.files)
    elif kind == "artifact":
        contents = {entry.path: entry.ref or entry.local_path for entry in record.artifact.manifest.contents}
        metadata = json.loads(record.artifact.metadata or "{}")
        run.artifacts.append(Artifact(record.artifact.name, record.artifact.type, metadata, contents))
    elif kind == "exit":
        run.exit_code = record.exit.exit_code


def _values(items: Any) -> dict[str, Any]:
    return {item.key or ".".join(item.nested_key): json.loads(item.value_json) for item in items}
