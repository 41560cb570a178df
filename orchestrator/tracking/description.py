"""How a run is called in W&B: what its cell is, in words; what differs in its sweep; tags; its specification."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal

from sweeps.editions import CURRENT, EDITIONS
from sweeps.identity import canonical_json, digest
from sweeps.naming import telling
from sweeps.spec import ModelSpec, RunSpec, SourceSpec, TargetSpec, TrainSpec, TransferSpec

NAME_LENGTH, TAG_LENGTH = 128, 64
"""W&B takes no longer ones."""
SHORTENED = 6
"""Hex digits that tell names apart which are alike as far as they fit."""

Value = Mapping[str, Any]
DEFAULTS: dict[str, dict[str, Any]] = {
    name: {field: its.default for field, its in part.model_fields.items() if not its.is_required()}
    for name, part in {
        "target": TargetSpec,
        "model": ModelSpec,
        "transfer": TransferSpec,
        "train": TrainSpec,
        "source": SourceSpec,
    }.items()
}
SAID = {
    "source": {"task", "size"},
    "target": {"task", "size"},
    "model": {"family", "depth", "width", "name", "weights"},
    "transfer": {"frozen"},
}
"""Fields that the name of a cell begins with."""
SHORT = {"learning_rate": "lr", "label_noise": "noise", "optimizer": "", "schedule": "", "precision": ""}
"""How a field is called where there is little room; empty where its value says what it is (`sgd`)."""


def fields_that_differ(specs: Iterable[RunSpec]) -> tuple[str, ...]:
    """The dotted fields that tell the runs of a sweep apart; `source` where some runs have none."""
    specs = list(specs)
    mixed = len({spec.source is None for spec in specs}) > 1
    return (*(field for field in telling(specs) if field != "seed"), *(["source"] if mixed else []))


def describe(
    kind: Literal["run", "source"], id: str, name: str, value: Value, differ: Sequence[str], sweep: str | None
) -> dict[str, Any]:
    """What W&B is told of a run, as keyword arguments of `Tracker`.

    value: the canonical specification (of a source model, `source_value`). differ: `fields_that_differ` in the sweep.
    name: the long one, which the store has.
    """
    cell = {key: part for key, part in value.items() if key != "seed"}
    group = group_name(kind, value)
    config = {**value, "run_id": id, "name": name, "cell": group, "cell_id": digest("cell", cell)}
    return {
        "kind": kind,
        "id": id,
        "name": short_name(kind, value, differ),
        "group": group,
        "tags": tags(value, sweep),
        "config": config,
    }


def group_name(kind: Literal["run", "source"], value: Value) -> str:
    """What a cell is: network, frozen units, tasks, then every field that is not at its default. No seed.

    It depends on the specification alone: a cell that two sweeps share is one group. Where it does not fit, its end is
    left out, and a few digits of the cell's digest tell it from others.

    Example: `resnet14-w8 frozen 3: glyphs[A-Z] 3000 to digits 1000, noise 0.3, epochs 60`.
    """
    source = value.get("source")
    start = f"{source['task']} {source['size']}" if source else _scratch(value)
    if kind == "source":
        head = f"{network(value)} source: {start}"
    else:
        target = value["target"]
        head = f"{network(value)} frozen {value['transfer']['frozen']}: {start} to {target['task']} {target['size']}"
    text = ", ".join((head, *_unusual(value)))
    if len(text) <= NAME_LENGTH:
        return text
    cell = {key: part for key, part in value.items() if key != "seed"}
    end = f" ... {digest('cell', cell)[:SHORTENED]}"
    kept = text[: NAME_LENGTH - len(end)]
    return kept.rpartition(", ")[0] + end if ", " in kept else kept + end


def short_name(kind: Literal["run", "source"], value: Value, differ: Sequence[str]) -> str:
    """What differs in the sweep, and the seed: `frozen 3, seed 0`; of a source model with `source` before it."""
    parts = [network(value)] if any(field in MODEL_NAME for field in differ) else []
    if "source" in differ and (kind == "run") and ("source.task" not in differ or value.get("source") is None):
        parts.append(_scratch(value) if value.get("source") is None else f"from {value['source']['task']}")
    short = [field.rpartition(".")[2] for field in differ]
    for field in differ:
        section, _, name = field.partition(".")
        given = value.get(section)
        if field not in MODEL_NAME and isinstance(given, Mapping) and name in given:
            clear = short.count(name) == 1 and section != "source"
            label = name if clear else field.replace(".", " ")
            parts.append(f"{label} {_text(given[name])}")
    begun = ["source"] if kind == "source" else []
    return _cut(", ".join((*begun, *parts, f"seed {value['seed']}")), NAME_LENGTH)


MODEL_NAME = ("model.family", "model.depth", "model.width", "model.name")


def network(value: Value) -> str:
    """Family, depth and width, `resnet14-w8`, or the name of a model of timm."""
    model = value["model"]
    return str(model.get("name") or f"{model['family']}{model['depth']}-w{model['width']}")


def tags(value: Value, sweep: str | None) -> list[str]:
    """The sweep, then network, source and target task, each with what it is before it."""
    found = [f"network:{network(value)}"]
    source = value.get("source")
    found.append(f"source:{source['task'] if source else 'none'}")
    if "target" in value:
        found.append(f"target:{value['target']['task']}")
    return [*([sweep_tag(sweep)] if sweep else []), *(_cut(tag, TAG_LENGTH) for tag in found)]


def sweep_tag(sweep: str) -> str:
    """The tag of all runs of a sweep: its name, or the beginning of a long one with a few digits of its digest."""
    return _cut(sweep, TAG_LENGTH)


def _scratch(value: Value) -> str:
    weights = value["model"].get("weights")
    return "from scratch" if weights is None else f"weights {weights.removeprefix('sha256:')[:8]}"


def _unusual(value: Value) -> Iterator[str]:
    """Every field that is not at its default, the target's first; of a source with the word before it."""
    edition = _edition(value)
    written = {} if edition is None else EDITIONS[edition]
    for section, defaults in DEFAULTS.items():
        given = value.get(section)
        if not isinstance(given, Mapping):
            continue
        for name in dict.fromkeys((*given, *written.get(section, {}))):
            found = given.get(name)
            usual = found == written[section][name] if name in written.get(section, {}) else found == defaults.get(name)
            if name not in SAID.get(section, ()) and not usual:
                label = SHORT.get(name, name) if isinstance(found, str | float | int) else name
                yield " ".join(word for word in ("source" * (section == "source"), label, _text(found)) if word)
    if edition not in (None, CURRENT):
        yield f"edition {edition}"


def _edition(value: Value) -> int | None:
    """The edition whose defaults the specification has, the latest first; None where it has those of none."""
    for edition in sorted(EDITIONS, reverse=True):
        for section in ("source", "train"):
            given = value.get(section)
            asked = EDITIONS[CURRENT].get(section, {})
            wanted = EDITIONS[edition].get(section, {})
            if isinstance(given, Mapping) and any(given.get(name) != wanted.get(name) for name in asked):
                break
        else:
            return edition
    return None


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "none" if value is None else canonical_json(value)


def _cut(text: str, length: int) -> str:
    """The text, or its beginning with a few digits of its digest where it is too long."""
    return text if len(text) <= length else f"{text[: length - SHORTENED - 1]}-{digest('text', text)[:SHORTENED]}"
