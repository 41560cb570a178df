"""What a worker process keeps from run to run: data, source weights, activations of frozen prefixes.

Each is a pure function of its key, so keeping it changes no result. Least recently used goes first.
"""

from __future__ import annotations

import contextlib
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TypeVar

import torch
from safetensors.torch import load
from torch import Tensor

import architectures
import tasks
from architectures import Network
from orchestrator.store.jobs import Job
from orchestrator.store.ledger import Ledger
from orchestrator.train import prefix, prefix_files
from orchestrator.train.device import autocast, kept_bytes, placed
from sweeps.identity import canonical_json, model_name
from sweeps.seeds import seed_for

T = TypeVar("T")


class LruCache:
    """A bounded memory of the most recently used values, at most `most_bytes` of them together."""

    def __init__(self, most_bytes: int) -> None:
        self.most_bytes = most_bytes
        self._values: OrderedDict[Hashable, tuple[object, int]] = OrderedDict()

    def get(self, key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
        if key in self._values:
            self._values.move_to_end(key)
            return self._values[key][0]  # pyright: ignore[reportReturnType] - the key names the kind of value
        value = make()
        self._values[key] = (value, size(value))
        while len(self._values) > 1 and sum(bytes for _, bytes in self._values.values()) > self.most_bytes:
            self._values.popitem(last=False)
        return value

    def clear(self) -> None:
        self._values.clear()


DATA = LruCache(2 * 2**30)
WEIGHTS = LruCache(2**30)
ACTIVATIONS = LruCache(2 * 2**30)


def data_of(job: Job, device: torch.device) -> tasks.TaskData:
    """The job's data on the device."""
    part = job.spec.source if job.kind == "source" else job.spec.target
    assert part is not None
    model = job.spec.model
    named = (part.task, part.size, part.label_noise, part.noise_kind, job.spec.seed)
    key = (job.role, *named, model.image_size, model.channels, str(device))
    DATA.most_bytes = min(DATA.most_bytes, kept_bytes(device))
    load_data = tasks.source_data if job.kind == "source" else tasks.target_data
    return DATA.get(
        key,
        lambda: load_data(job.spec).to(device),
        lambda data: data.inputs.nbytes + data.test_inputs.nbytes,
    )


def network_of(job: Job, ledger: Ledger, classes: int, device: torch.device) -> Network:
    """The network before training: drawn afresh, then given all the source has but its head, then frozen."""
    network = architectures.build(job.spec.model, classes, seed_for(job.spec.seed, job.role, "init"))
    if job.kind == "run":
        if job.needs is not None:
            architectures.inherit(network, weights_of(job, ledger))
        architectures.freeze(network, job.spec.transfer.frozen, job.spec.transfer.norm)
    return placed(network, job.spec.model.family, device)


def weights_of(job: Job, ledger: Ledger) -> dict[str, Tensor]:
    """The source model's weights, their digest checked. Raises Damaged if they are gone or altered."""
    assert job.needs is not None
    source, expected = job.needs, ledger.weights_sha256(job.needs)
    return WEIGHTS.get(
        (source, expected),
        lambda: load(ledger.weights(source, expected)),
        lambda weights: sum(tensor.nbytes for tensor in weights.values()),
    )


def inputs_of(
    job: Job, network: Network, data: tasks.TaskData, ledger: Ledger, use_cache: bool = True
) -> tuple[prefix.Inputs, str]:
    """What training reads, and a note on whether the frozen prefix is computed once."""
    reason = prefix.declined(network, job.recipe)
    if reason is not None or not use_cache:
        return prefix.images(data), f"frozen prefix in every pass: {reason or 'switched off'}"
    if job.needs is None:
        start = f"scratch {canonical_json(job.spec.model.model_dump())} {job.spec.seed}"
    else:
        start = ledger.weights_sha256(job.needs)
    device = data.inputs.device
    of = start, network.frozen, job.recipe.precision, data.digest, prefix.batch_of(data)
    ACTIVATIONS.most_bytes = min(ACTIVATIONS.most_bytes, kept_bytes(device))

    def made() -> prefix.Inputs | None:
        with autocast(job.recipe.precision, device):
            return _activations(prefix_files.feature_id(*of, device), network, data, ledger)

    found = ACTIVATIONS.get((*of, str(device)), made, lambda inputs: 0 if inputs is None else inputs.bytes)
    if found is None:
        return prefix.images(data), "frozen prefix in every pass: its activations are too large"
    if device.type == "cpu":  # elsewhere results are equal to rounding, not to the bit
        sizes = tasks.batch_sizes(len(data.labels), job.recipe.batch_size, job.recipe.batches)
        with autocast(job.recipe.precision, device):
            size = prefix.inexact_batch(network, data, found, sizes)
        if size is not None:
            return prefix.images(data), f"frozen prefix in every pass: batches of {size} give other bits here"
    return found, f"frozen prefix of {model_name(job.spec.model)} computed once: {found.bytes:,} bytes"


def _activations(id: str, network: Network, data: tasks.TaskData, ledger: Ledger) -> prefix.Inputs | None:
    """From the store if they are there; else computed, and put there if that spares the next worker time."""
    stored = prefix_files.read(ledger.store, id, data.inputs.device, prefix.batch_of(data))
    if stored is not None:
        return stored
    began = time.perf_counter()
    found = prefix.activations(network, data, ACTIVATIONS.most_bytes)
    if found is not None and prefix_files.worth_keeping(time.perf_counter() - began, found.bytes):
        with contextlib.suppress(OSError):  # a full disk costs the cache, not the run
            prefix_files.write(ledger.store, id, found)
    return found
