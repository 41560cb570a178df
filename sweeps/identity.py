"""Identity: which results are the same result. Pure functions of specs, no input or output.

An id is SHA-256 over the canonical JSON of a fully resolved spec and the schema version. All that changes numbers is
in the spec, and nothing else is: where a run ran, how many workers there were, or whether a cache served it, is not.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator
from typing import Any

from sweeps.memo import cached
from sweeps.spec import ModelSpec, RunSpec, SourceSpec, Spec

SCHEMA = 1
"""Raised when a value's meaning changes. A field added later defaults to None and leaves old ids alone."""

ID_LENGTH = 20


_ENCODER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def canonical(spec: Spec) -> dict[str, Any]:
    """The spec as plain JSON values, typed by its fields (1 in a float field is 1.0), without fields that are None."""
    if isinstance(spec, RunSpec):
        return {name: dict(_part(part)[0]) if isinstance(part, Spec) else part for name, part in _given(spec)}
    return dict(_part(spec)[0])


def canonical_text(spec: Spec) -> str:
    """canonical_json of the canonical form, put together from the texts of its parts."""
    if not isinstance(spec, RunSpec):
        return _part(spec)[1]
    return _joined({name: _text(part) for name, part in _given(spec)})


def _given(spec: RunSpec) -> Iterator[tuple[str, Any]]:
    return ((name, part) for name, part in vars(spec).items() if part is not None)


@cached
def _part(spec: Spec) -> tuple[dict[str, Any], str]:
    """A part of a run in canonical form, as value and as text. The runs of a sweep share few distinct parts."""
    value = _without_none(spec.model_dump(mode="json"))
    return value, canonical_json(value)


def _without_none(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_none(item) for key, item in value.items() if item is not None}
    return value


def _text(part: Any) -> str:
    if isinstance(part, Spec):
        return _part(part)[1]
    return str(part) if type(part) is int else canonical_json(part)


def _joined(texts: dict[str, str]) -> str:
    """The canonical JSON of a mapping, from that of its values."""
    return "{" + ",".join(f'"{name}":{texts[name]}' for name in sorted(texts)) + "}"


def canonical_json(value: Any) -> str:
    """JSON in ASCII, keys sorted, no blanks: equal values, equal bytes. Raises ValueError for NaN and infinity."""
    return _ENCODER.encode(value)


def digest(kind: str, value: Any) -> str:
    """The id of a JSON value of some kind: ID_LENGTH hex digits. Equal values of different kinds have different ids."""
    return _digest_of_text(kind, canonical_json(value))


def _digest_of_text(kind: str, value: str) -> str:
    """Of the canonical JSON of {"kind": kind, "schema": SCHEMA, "value": value}, `value` being text already."""
    return hashlib.sha256(f"{_opening(kind)}{value}}}".encode()).hexdigest()[:ID_LENGTH]


@cached
def _opening(kind: str) -> str:
    return f'{{"kind":{canonical_json(kind)},"schema":{SCHEMA},"value":'


def run_id(spec: RunSpec) -> str:
    """The id of a run: all fields of its specification, defaults too, and nothing else."""
    return _digest_of_text("run", canonical_text(spec))


def cell_id(spec: RunSpec) -> str:
    """The run without its seed: runs that share it are replicates."""
    return _digest_of_text("cell", _joined({name: _text(part) for name, part in _given(spec) if name != "seed"}))


def source_value(spec: RunSpec) -> dict[str, Any] | None:
    """What determines a source model: its task and recipe, the network, its seed; nothing of the target.

    A seed is the same seed, whether the run's or the source's own field gave it.
    """
    if spec.source is None:
        return None
    return {
        "source": canonical(_without_seed(spec.source)),
        "model": canonical(spec.model),
        "seed": spec.seed_of("source"),
    }


def source_id(spec: RunSpec) -> str | None:
    """The id of the source model that a run starts from (`source_value`), None for a run from random weights."""
    if spec.source is None:
        return None
    source, seed = _without_seed(spec.source), spec.seed_of("source")
    texts = {"source": _text(source), "model": _text(spec.model), "seed": _text(seed)}
    return _digest_of_text("source", _joined(texts))


def _without_seed(source: SourceSpec) -> SourceSpec:
    return source if source.seed is None else source.model_copy(update={"seed": None})


def model_name(model: ModelSpec) -> str:
    """Family, depth and width, `resnet14-w8`, or the name of a model of timm."""
    if model.name is not None:
        return model.name
    return f"{model.family}{model.depth}-w{model.width}"


def run_name(spec: RunSpec) -> str:
    """A short readable name. Not an identity: two runs may share it."""
    weights = None if spec.model.weights is None else spec.model.weights.removeprefix("sha256:")[:8]
    start = "scratch" if weights is None else f"weights-{weights}"
    source = start if spec.source is None else f"{spec.source.task}-{spec.source.size}"
    target = f"{spec.target.task}-{spec.target.size}_frozen{spec.transfer.frozen}"
    given = "" if spec.source is None or spec.source.seed is None else f"_source-seed{spec.source.seed}"
    return slug(f"{model_name(spec.model)}_{source}_{target}{given}_seed{spec.seed}")


def source_name(spec: RunSpec) -> str:
    """The same for the source model that the run starts from."""
    assert spec.source is not None
    return slug(f"source_{model_name(spec.model)}_{spec.source.task}-{spec.source.size}_seed{spec.seed_of('source')}")


def slug(text: str) -> str:
    """A text as it may stand in a file's name and in a URL."""
    return re.sub(r"[^A-Za-z0-9_.]+", "-", text)
