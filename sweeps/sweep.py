"""A sweep as written: one YAML file with a base, axes, blocks and a filter."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Any, get_args

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from sweeps import editions
from sweeps.errors import SpecError, from_pydantic, shown, suggestion
from sweeps.language.field_types import Whole, text_like
from sweeps.language.plain_yaml import load
from sweeps.spec import RunSpec, Spec

CATALOG = Path(__file__).parent / "catalog"
LARGEST_FILE = 250_000
"""Bytes; read in about three seconds."""
EXTENDS = "extends"
"""The key of a file that names the sweep over which it is laid; no field of a sweep, which is whole once it is read."""

SweepName = Annotated[
    str,
    text_like(
        r"[A-Za-z0-9][A-Za-z0-9_.-]{0,79}", "letters, digits, '_', '.' and '-', at most 80, the first a letter or digit"
    ),
]

Edition = Annotated[Whole, AfterValidator(editions.allowed)]


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
    edition: Edition = editions.CURRENT
    """Which defaults it has (sweeps/editions.py)."""

    @property
    def digest(self) -> str:
        """SHA-256 of the sweep as read: unmoved by comments and layout.

        The first edition stays out: it is what sweeps had before there were editions, and their records are found by
        their digest.
        """
        unsaid = {"edition"} if self.edition == editions.FIRST else None
        return hashlib.sha256(self.model_dump_json(exclude=unsaid).encode()).hexdigest()

    def under(self, edition: int) -> SweepSpec:
        """The same sweep with the defaults of another edition. Raises ValueError if there is no such edition."""
        return self.model_copy(update={"edition": editions.allowed(edition)})

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


def parse(text: str, folder: Path | None = None) -> SweepSpec:
    """A sweep from YAML text. Raises SpecError with one line that names the field.

    folder: where a file that it extends is looked for, by default the current folder; names are those of the catalog.
    """
    value = _whole(text, folder or Path(), ())
    blocks = value.get("blocks")
    if isinstance(blocks, dict) and blocks:  # by name, so that a sweep that extends this one can speak of each
        value = {**value, "blocks": [block for block in blocks.values() if block is not None]}
    try:
        return SweepSpec.model_validate(value)
    except ValidationError as error:
        keys = allowed_keys(SweepSpec)
        raise from_pydantic(error, keys | {"": (*keys[""], EXTENDS)}) from None


def read(sweep: str) -> SweepSpec:
    """A sweep by the path of its file or by its name in the catalog."""
    path = _found(sweep, Path())
    text = _text(path, sweep)
    try:
        return parse(text, path.parent)
    except SpecError as problem:
        raise SpecError(f"{sweep}: {problem}") from None


def _whole(text: str, folder: Path, chain: tuple[Path, ...]) -> dict[str, Any]:
    """A sweep's mapping, laid over that of the sweep which it extends. chain: the files that led here, the first first.

    The name is never taken from the other: two sweeps of one name would be two versions of one.
    """
    value = load(text)
    if not isinstance(value, dict):
        kind = "nothing" if value is None else f"a {type(value).__name__}"
        allowed = ", ".join((*SweepSpec.model_fields, EXTENDS))
        raise SpecError(f"a sweep is a mapping with the keys {allowed}; this is {kind}")
    if EXTENDS not in value:
        return value
    other = value.pop(EXTENDS)
    if not isinstance(other, str) or not other.strip():
        raise SpecError(f"{EXTENDS} = {shown(other)}: the file of a sweep or its name in the catalog is allowed")
    try:
        path = _found(other, folder).resolve()
        if path in chain:
            raise SpecError(f"{' -> '.join(each.name for each in (*chain, path))}: no sweep can extend itself")
        base = _whole(_text(path, other), path.parent, (*chain, path))
    except SpecError as problem:
        raise SpecError(f"{EXTENDS}: {problem}") from None
    base.pop("name", None)
    return overlay(base, value)


def _found(sweep: str, folder: Path) -> Path:
    """The file that a path, relative to a folder, or a name of the catalog stands for. A folder of that name, say of
    results, does not hide the catalog's sweep."""
    path, listed = folder / sweep, CATALOG / f"{sweep}.yaml"
    try:
        if path.suffix or (path.exists() and not (path.is_dir() and listed.is_file())):
            return path
    except OSError as problem:
        raise SpecError(f"{sweep}: {problem.strerror or problem}") from None
    if not listed.is_file():
        names = [file.stem for file in CATALOG.glob("*.yaml")]
        raise SpecError(f"no sweep file or catalog name {shown(sweep)}{suggestion(sweep, names)}")
    return listed


def _text(path: Path, sweep: str) -> str:
    """The content of a sweep's file, which the user called `sweep`."""
    try:
        with path.open("rb") as file:
            raw = file.read(LARGEST_FILE + 1)
    except OSError as problem:
        raise SpecError(f"{sweep}: {problem.strerror or problem}") from None
    if len(raw) > LARGEST_FILE:
        raise SpecError(f"{sweep}: larger than {LARGEST_FILE:,} bytes")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise SpecError(f"{sweep}: not UTF-8 text") from None


def allowed_keys(model: type[BaseModel], prefix: str = "") -> dict[str, tuple[str, ...]]:
    """For each dotted path of a specification, the keys allowed there; `*` stands for a place in a list."""
    found = {prefix: tuple(model.model_fields)}
    for name, field in model.model_fields.items():
        for inner in (field.annotation, *get_args(field.annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel):
                found |= allowed_keys(inner, f"{prefix}.{name}".lstrip("."))
            if inner is Block or Block in get_args(inner):
                found[f"{prefix}.{name}.*".lstrip(".")] = tuple(Block.model_fields)
    return found


RUN_KEYS = allowed_keys(RunSpec)
