"""What a job starts from: its data, its network with the source's weights, and what training reads."""

from __future__ import annotations

from typing import NamedTuple

from safetensors.torch import load
from torch import Tensor

import architectures
import tasks
from architectures import Network
from orchestrator.store.jobs import Job, Stage
from orchestrator.store.ledger import Ledger
from orchestrator.train.device import RunDevice, placed
from orchestrator.train.inputs import images
from orchestrator.train.methods.method import Setting
from orchestrator.train.prefix import frozen_inputs
from orchestrator.train.worker_state import MISSING, LruCache, WorkerState, keys_of
from sweeps.seeds import Role, seed_for
from sweeps.spec import RunSpec


class SourceWeights(NamedTuple):
    """A source model's weights, their digest checked."""

    source: str
    sha256: str
    tensors: dict[str, Tensor]


def setting_of(
    job: Job, stage: Stage, device: RunDevice, ledger: Ledger, state: WorkerState, use_prefix_cache: bool = True
) -> tuple[Setting, str]:
    """What the training method is given, and a note on the frozen prefix for the record.

    Raises Damaged if the source's weights are gone or altered, ValueError if the data are not to be had.
    """
    spec, kept = job.spec, state.activations
    for cache in (state.data, kept):
        cache.most_bytes = min(cache.most_bytes, device.kept_bytes)
    keys = keys_of(spec, stage.role)
    data = data_of(spec, stage.role, keys.data, device, state.data)
    weights = None if stage.needs is None else weights_of(stage.needs, ledger, state.weights)
    network = network_of(spec, stage.role, data.classes, weights)
    network = placed(network, spec.model.family, stage.recipe.kernels, device.torch)
    setting = Setting(network, data, images(data), stage.recipe, stage.role, spec.seed_of(stage.role), device)
    origin = "" if weights is None else f"{weights.source} {weights.sha256}"
    prefix = f"{keys.prefix} {data.digest} {origin}"
    inputs, note = frozen_inputs(setting, spec.model, prefix, kept if use_prefix_cache else None, ledger.store)
    return setting._replace(inputs=inputs), note


def data_of(spec: RunSpec, role: Role, key: str, device: RunDevice, kept: LruCache) -> tasks.TaskData:
    """The data of a run (`role` target) or of its source, on the device."""
    data = kept.get((key, device.torch))
    if data is MISSING:
        data = (tasks.source_data if role == "source" else tasks.target_data)(spec).to(device.torch)
        kept.put((key, device.torch), data, data.inputs.nbytes + data.test_inputs.nbytes)
    return data


def weights_of(source: str, ledger: Ledger, kept: LruCache) -> SourceWeights:
    """The weights of a source model by its id. Raises Damaged if they are gone or altered."""
    expected = ledger.weights_sha256(source)
    tensors = kept.get((source, expected))
    if tensors is MISSING:
        tensors = load(ledger.weights(source, expected))
        kept.put((source, expected), tensors, sum(tensor.nbytes for tensor in tensors.values()))
    return SourceWeights(source, expected, tensors)


def network_of(spec: RunSpec, role: Role, classes: int, weights: SourceWeights | None = None) -> Network:
    """The network before training, on the CPU: drawn from the seed, then given all of the source's weights but the
    head, then frozen. A source model inherits and freezes nothing."""
    network = architectures.build(spec.model, classes, seed_for(spec.seed_of(role), role, "init"))
    if weights is not None:
        architectures.inherit(network, weights.tensors)
    if role == "target":
        architectures.freeze(network, spec.transfer.frozen, spec.transfer.norm)
    return network
