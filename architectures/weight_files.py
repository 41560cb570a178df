"""Pre-trained weights: which file a model's `weights` means, and that file by the digest of its content.

A sweep names a file, or `pretrained`: timm's own weights from the cache of huggingface_hub. A run's specification has
the digest instead, so that a moved or renamed file gives the same runs, and a changed one others. Where a file is, is
not part of a run: this process remembers it, and a launch writes it into the store for workers. Nothing is fetched from
a network.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from pathlib import Path

from sweeps.errors import shown
from sweeps.spec import ModelSpec

PRETRAINED = "pretrained"
FILE_OF_TIMM = "model.safetensors"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
LARGEST_HEADER = 100_000_000
"""Bytes; the format's own limit."""

_paths: dict[str, Path] = {}


def canonical_model(model: ModelSpec, sha256_of: Callable[[Path], str] | None = None) -> ModelSpec:
    """The model with the digest of its weights in place of their file, its name without their tag.

    sha256_of: gives the SHA-256 of a file, 64 hex digits, and may know it already; by default the file is read. Raises
    ValueError, in one line, where there is no such file, or it is none of weights.
    """
    weights = model.weights
    if weights is not None and not DIGEST.fullmatch(weights):
        weights = _digest_of(model, sha256_of or _sha256)
    name = None if model.name is None else model.name.partition(".")[0]
    changes = {"weights": weights, "name": name}
    return model if (model.weights, model.name) == (weights, name) else model.model_copy(update=changes)


def known_path(digest: str) -> Path | None:
    """Where this process has seen the file of a digest."""
    return _paths.get(digest)


def content_of(digest: str, path: Path | None) -> bytes:
    """The bytes of the file at `path`. Raises ValueError, in one line, unless they are those of `digest`."""
    if path is None:
        raise ValueError(f"model.weights = {digest}: no file of this content is known; plan the sweep with its path")
    try:
        content = path.read_bytes()
    except OSError as problem:
        raise ValueError(f"model.weights = {digest}: {path}: {problem.strerror}; plan the sweep again") from None
    if hashlib.sha256(content).hexdigest() != digest.removeprefix("sha256:"):
        raise ValueError(f"model.weights = {digest}: {path} has another content now; plan the sweep again")
    return content


def _digest_of(model: ModelSpec, sha256_of: Callable[[Path], str]) -> str:
    assert model.weights is not None
    field = f"model.weights = {shown(model.weights)}"
    path = _cached_by_timm(model) if model.weights == PRETRAINED else _expanded(field, model.weights)
    if path.suffix != ".safetensors":
        raise ValueError(f"{field}: allowed: a .safetensors file, 'pretrained' or a digest 'sha256:...'")
    try:
        path = path.resolve(strict=True)
        _check_header(field, path, path.stat().st_size)
        digest = f"sha256:{sha256_of(path)}"
    except OSError as problem:
        raise ValueError(f"{field}: {path}: {problem.strerror}") from None
    _paths[digest] = path
    return digest


def _expanded(field: str, path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError:  # no home folder
        raise ValueError(f"{field}: there is no such user") from None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_header(field: str, path: Path, size: int) -> None:
    """Raise ValueError unless the file begins as safetensors do: the length of a JSON header, and the header."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        whole = 2 <= length <= min(LARGEST_HEADER, size - 8)
        try:
            header = json.loads(file.read(length)) if whole else None
        except ValueError:
            header = None
    if not isinstance(header, dict):
        raise ValueError(f"{field}: {path} is not a safetensors file")


def _cached_by_timm(model: ModelSpec) -> Path:
    """timm's own weights in the cache of huggingface_hub."""
    if model.name is None:
        raise ValueError(
            "model.weights = 'pretrained': allowed with the family timm alone; else name a safetensors file"
        )
    import timm
    from huggingface_hub import try_to_load_from_cache

    try:
        usual = timm.get_pretrained_cfg(model.name)
    except RuntimeError:
        usual = None
    if usual is None or not usual.hf_hub_id:
        named = ", ".join(timm.list_pretrained(f"{model.name.partition('.')[0]}.*")[:5]) or "none"
        raise ValueError(f"model.weights = 'pretrained': {model.name} has no weights of timm; there are: {named}")
    found = try_to_load_from_cache(usual.hf_hub_id, FILE_OF_TIMM)
    if not isinstance(found, str):
        fetch = f"hf download {usual.hf_hub_id} {FILE_OF_TIMM}"
        raise ValueError(
            f"model.weights = 'pretrained': {usual.hf_hub_id} is not in the cache of huggingface_hub; "
            f"where there is a network, fetch it with `{fetch}`"
        )
    return Path(found)
