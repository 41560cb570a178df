"""Activations of frozen prefixes in the store, for other workers and later launches: a cache, nothing else.

A file is safetensors with a digest of its tensors in its metadata. It is written where reading it back is clearly
faster than computing it again, and read only by processes that would compute the same bits: same device, same torch.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from orchestrator.store import quarantine
from orchestrator.store.interface import Store
from orchestrator.train.batch_sizes import MOST_IMAGES
from orchestrator.train.device import RunDevice
from orchestrator.train.inputs import Inputs
from sweeps.layout import FEATURES, feature
from sweeps.store.interface import Damaged, StoreError
from sweeps.store.records import unreadable

LEAST_SECONDS = 2.0
"""Computing that took less is not worth a file."""
BYTES_PER_SECOND = 100e6
"""What a slow disk or a network file system reads."""
PARTS = ("train", "test")
ALTERED = (SafetensorError, KeyError, ValueError)
"""What reading a file raises that is not what was written."""


def read_or_compute(
    store: Store, key: str, device: RunDevice, batch: int, compute: Callable[[], Inputs | None]
) -> Inputs | None:
    """The activations of `key`, from the store if they are there; else computed, and stored if that is worth it.

    `key`: all that they depend on besides the machine. `batch`: samples per evaluation batch. None where `compute`
    gives None.
    """
    id = feature_id(key, device.name, batch)
    stored = read(store, id, device.torch, batch)
    if stored is not None:
        return stored
    began = time.perf_counter()
    found = compute()
    if found is not None and worth_keeping(time.perf_counter() - began, found.bytes):
        with contextlib.suppress(OSError):  # a full disk costs the cache, not the run
            write(store, id, found)
    return found


def feature_id(key: str, device_name: str, batch: int) -> str:
    """20 hex digits of all that the activations' bits depend on: the prefix's key and the arithmetic of the machine."""
    machine = [device_name, platform.machine(), torch.backends.cpu.get_cpu_capability(), torch.__version__]
    return hashlib.sha256(json.dumps([key, batch, machine]).encode()).hexdigest()[:20]


def worth_keeping(seconds: float, size_bytes: int) -> bool:
    """Whether reading a file of this size is clearly faster than the `seconds` that its content took to compute."""
    return seconds >= LEAST_SECONDS and seconds > 2 * size_bytes / BYTES_PER_SECOND


def write(store: Store, id: str, inputs: Inputs) -> None:
    """Keep activations, unless they are there already. Raises OSError (disk full, say): the caller has them anyway.

    Layouts in memory are kept as well: torch picks kernels by them, and other kernels round differently.
    """
    orders = {name: _order(tensor) for name, tensor in _named(inputs).items()}
    tensors = {name: tensor.permute(orders[name]).cpu().contiguous() for name, tensor in _named(inputs).items()}
    about = {"cut": str(inputs.cut), "orders": json.dumps(orders)}
    store.create(feature(id), save(tensors, {**about, "sha256": _digest(tensors, **about)}))


def read(store: Store, id: str, device: torch.device, batch: int) -> Inputs | None:
    """The activations on the device, or None; `batch` of them make an evaluation batch.

    A file that is not what was written goes to quarantine, if that can be: no refusal of the store ends a run here.
    """
    key = feature(id)
    try:
        return _read(store.local_path(key), device, batch) if store.exists(key) else None
    except OSError:  # no room for it here, or it cannot be read: that says nothing of what is in it
        return None
    except ALTERED as problem:
        with contextlib.suppress(OSError):
            quarantine.move_one_away(store, "feature", id, key, f"{type(problem).__name__}: {problem}")
        return None


def problems(store: Store) -> Iterator[StoreError]:
    """What is wrong with each stored file that is not what was written (Damaged), or cannot be read. Changes nothing.

    Raises OSError where the files cannot be listed.
    """
    for key in sorted(entry.key for entry in store.entries(FEATURES) if not entry.unfinished):
        try:
            _read(store.local_path(key), torch.device("cpu"), MOST_IMAGES)
        except OSError as problem:
            yield unreadable(store, key, problem)
        except ALTERED as problem:
            yield Damaged(f"{store.where(key)}: damaged ({type(problem).__name__}: {problem})")


def _read(path: Path, device: torch.device, batch: int) -> Inputs:
    path.open("rb").close()  # safetensors calls each file that it cannot open a missing one
    with safe_open(path, framework="pt") as file:
        about = file.metadata() or {}
        # A copy: torch's own memory is aligned, a file's is as it comes.
        tensors = {name: file.get_tensor(name).clone() for name in sorted(file.keys())}
    if _digest(tensors, about["cut"], about["orders"]) != about["sha256"]:
        raise ValueError("its SHA-256 is not the one it carries")
    orders: dict[str, list[int]] = json.loads(about["orders"])
    # The inverse of a permutation is the order that sorts it.
    laid = {
        name: tensor.permute(sorted(orders[name], key=orders[name].__getitem__)) for name, tensor in tensors.items()
    }
    number = len(laid) // len(PARTS)
    train, test = (tuple(laid[f"{part}.{place}"].to(device) for place in range(number)) for part in PARTS)
    return Inputs(int(about["cut"]), train, test, batch)


def _named(inputs: Inputs) -> dict[str, Tensor]:
    states = zip(PARTS, (inputs.train, inputs.test), strict=True)
    return {f"{part}.{place}": tensor for part, state in states for place, tensor in enumerate(state)}


def _order(tensor: Tensor) -> list[int]:
    """Its axes from the outermost in memory to the innermost."""
    return sorted(range(tensor.ndim), key=tensor.stride, reverse=True)


def _digest(tensors: dict[str, Tensor], cut: str, orders: str) -> str:
    sha = hashlib.sha256(f"{cut} {orders}\n".encode())
    for name, tensor in sorted(tensors.items()):
        sha.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}\n".encode())
        sha.update(tensor.contiguous().flatten().view(torch.uint8).numpy().data)
    return sha.hexdigest()
