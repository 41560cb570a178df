"""A sweep as written: one YAML file with a base, axes, blocks and a filter."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, get_args

import yaml
from pydantic import BaseModel, Field, ValidationError

from sweeps.errors import SpecError, from_pydantic, shown, suggestion
from sweeps.spec import RunSpec, Spec

CATALOG = Path(__file__).parent / "catalog"
LARGEST_FILE = 1_000_000

SweepName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,79}$")]


class Block(Spec):
    """A grid of its own: its base is laid over the sweep's, its axes replace the sweep's."""

    base: dict[str, Any] = Field(default_factory=dict)
    axes: dict[str, Any] | None = None


class SweepSpec(Spec):
    """The question asked. With blocks and no axes of its own, the sweep is its blocks; otherwise both."""

    name: SweepName
    about: str = ""
    base: dict[str, Any] = Field(default_factory=dict)
    axes: dict[str, Any] | None = None
    blocks: tuple[Block, ...] = ()
    where: str | None = None

    @property
    def digest(self) -> str:
        """SHA-256 of the sweep as read: unmoved by comments and layout."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    def grids(self) -> list[tuple[str, dict[str, Any], dict[str, Any]]]:
        """(where it stands in the file, base, axes) of each grid."""
        grids = [] if self.blocks and self.axes is None else [("", self.base, self.axes or {})]
        for index, block in enumerate(self.blocks):
            axes = block.axes if block.axes is not None else self.axes or {}
            grids.append((f"blocks.{index}: ", overlay(self.base, block.base), axes))
        return grids


def overlay(base: Any, over: Any) -> Any:
    """`over` laid on `base`: mappings are merged key by key, everything else is replaced."""
    if not (isinstance(base, dict) and isinstance(over, dict)):
        return over
    merged = dict(base)
    for key, value in over.items():
        merged[key] = overlay(merged[key], value) if key in merged else value
    return merged


class _Loader(yaml.SafeLoader):
    """safe_load that refuses a key given twice, of which YAML would keep the last in silence, and aliases."""

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise SpecError(f"line {self.peek_event().start_mark.line + 1}: YAML aliases (*name) are not allowed")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        seen: set[Any] = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            line = key_node.start_mark.line + 1
            if not isinstance(key, str):
                raise SpecError(f"line {line}: key {shown(key)} is not text")
            if key in seen:
                raise SpecError(f"line {line}: key {key!r} is given twice")
            seen.add(key)
        return super().construct_mapping(node, deep)


def parse(text: str) -> SweepSpec:
    """A sweep from YAML text. Raises SpecError with one line that names the field."""
    try:
        value = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark is not None else ""
        detail = getattr(problem, "problem", None) or getattr(problem, "reason", "unreadable")
        raise SpecError(f"{line}not YAML: {' '.join(str(detail).split())}") from None
    except (ValueError, OverflowError, RecursionError) as problem:
        if isinstance(problem, SpecError):
            raise
        raise SpecError(f"not YAML: {' '.join(str(problem).split())}") from None
    if not isinstance(value, dict):
        kind = "nothing" if value is None else f"a {type(value).__name__}"
        raise SpecError(f"a sweep is a mapping with the keys {', '.join(SweepSpec.model_fields)}; this is {kind}")
    try:
        return SweepSpec.model_validate(value)
    except ValidationError as error:
        raise from_pydantic(error, allowed_keys(SweepSpec)) from None


def read(sweep: str) -> SweepSpec:
    """A sweep by the path of its file or by its name in the catalog."""
    path = Path(sweep)
    if not path.suffix and not path.exists():
        path = CATALOG / f"{sweep}.yaml"
        if not path.is_file():
            names = [file.stem for file in CATALOG.glob("*.yaml")]
            raise SpecError(f"no sweep file or catalog name {sweep!r}{suggestion(sweep, names)}")
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
        text = raw.decode("utf-8")
    except OSError as problem:
        raise SpecError(f"{sweep}: {problem.strerror or problem}") from None
    except UnicodeDecodeError:
        raise SpecError(f"{sweep}: not UTF-8 text") from None
    if len(raw) > LARGEST_FILE:
        raise SpecError(f"{sweep}: larger than {LARGEST_FILE:,} bytes")
    try:
        return parse(text)
    except SpecError as problem:
        raise SpecError(f"{sweep}: {problem}") from None


def allowed_keys(model: type[BaseModel], prefix: str = "") -> dict[str, tuple[str, ...]]:
    """For each dotted path of a specification, the keys allowed there."""
    found = {prefix: tuple(model.model_fields)}
    for name, field in model.model_fields.items():
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                found |= allowed_keys(inner, f"{prefix}.{name}".lstrip("."))
            if inner is Block or Block in get_args(inner):
                found |= {f"{prefix}.{name}.{i}".lstrip("."): tuple(Block.model_fields) for i in range(100)}
    return found


RUN_KEYS = allowed_keys(RunSpec)
