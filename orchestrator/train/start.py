"""What a job starts from: its data, its network with the source's weights, and what training reads."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from safetensors.torch import load
from torch import Tensor

import architectures
import tasks
from architectures import Network
from architectures.pretrained import pretrained_tensors
from architectures.weight_files import content_of, known_path
from orchestrator.store import weight_paths
from orchestrator.store.jobs import Job, Stage
from orchestrator.store.ledger import Ledger
from orchestrator.train.device import RunDevice, placed
from orchestrator.train.inputs import images
from orchestrator.train.methods.method import Setting, SourceTask
from orchestrator.train.prefix import frozen_inputs
from orchestrator.train.worker_state import MISSING, LruCache, WorkerState, keys_of
from sweeps.identity import canonical, canonical_json
from sweeps.language.list_text import numbers_of
from sweeps.seeds import Role, seed_for
from sweeps.spec import InheritSpec, ModelSpec, RunSpec, TransferSpec
from sweeps.store.interface import Reading

ALL = InheritSpec(mode="all")


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
    data = data_of(spec, stage.role, keys.data, device, state.data, ledger)
    weights = None if stage.needs is None else weights_of(stage.needs, ledger, state.weights)
    given = weights.tensors if weights is not None else pretrained_of(spec.model, ledger.store, state.weights)
    network = network_of(spec, stage.role, data.outputs, given)
    network = placed(network, spec.model.family, stage.recipe.kernels, device.torch)
    transfer = spec.transfer if stage.role == "target" else TransferSpec()
    seed = spec.seed_of(stage.role)
    setting = Setting(network, data, images(data), stage.recipe, transfer, stage.role, seed, device)
    if weights is not None and "source_error" in (stage.recipe.measures or ""):
        setting = setting._replace(source=source_task(spec, weights, device, ledger, state))
    origin = "" if weights is None else f"{weights.source} {weights.sha256}"
    prefix = f"{keys.prefix} {data.digest} {origin}"
    inputs, note = frozen_inputs(setting, spec.model, prefix, kept if use_prefix_cache else None, ledger.store)
    return setting._replace(inputs=inputs), note


def source_task(
    spec: RunSpec, weights: SourceWeights, device: RunDevice, ledger: Ledger, state: WorkerState
) -> SourceTask:
    """The source model with its head, and its task's data."""
    data = data_of(spec, "source", keys_of(spec, "source").data, device, state.data, ledger)
    network = architectures.build(spec.model, data.outputs, seed_for(spec.seed_of("source"), "source", "init"))
    architectures.inherit(network, weights.tensors, head_too=True)
    network = placed(network, spec.model.family, spec.train.kernels, device.torch)
    network.eval()
    return SourceTask(network, data, images(data))


def data_of(spec: RunSpec, role: Role, key: str, device: RunDevice, kept: LruCache, ledger: Ledger) -> tasks.TaskData:
    """The data of a run (`role` target) or of its source, on the device."""
    data = kept.get((key, device.torch))
    if data is MISSING:
        learn_contents(spec, ledger)
        of_role = tasks.source_data if role == "source" else tasks.target_data
        data = of_role(spec, device.kept_bytes).to(device.torch)
        kept.put((key, device.torch), data, data.nbytes)
    return data


def learn_contents(spec: RunSpec, ledger: Ledger) -> None:
    """Images of the user's own that this machine has not seen: what the launch has written down of them."""
    for part in (spec.source, spec.target):
        digest = None if part is None else tasks.content_digest(part.task)
        if digest is not None and not tasks.is_known(digest) and (record := ledger.content(digest)) is not None:
            tasks.learn(record)


def weights_of(source: str, ledger: Ledger, kept: LruCache) -> SourceWeights:
    """The weights of a source model by its id. Raises Damaged if they are gone or altered."""
    expected = ledger.weights_sha256(source)
    tensors = kept.get((source, expected))
    if tensors is MISSING:
        tensors = load(ledger.weights(source, expected))
        kept.put((source, expected), tensors, sum(tensor.nbytes for tensor in tensors.values()))
    return SourceWeights(source, expected, tensors)


def pretrained_of(model: ModelSpec, store: Reading, kept: LruCache) -> dict[str, Tensor] | None:
    """The weights of `model.weights`, None where it names none. Raises ValueError if the file is gone or another."""
    if model.weights is None:
        return None
    key = canonical_json(canonical(model))
    tensors = kept.get(key)
    if tensors is MISSING:
        path = known_path(model.weights) or weight_paths.read(store, model.weights)
        tensors = pretrained_tensors(model, content_of(model.weights, path))
        kept.put(key, tensors, sum(tensor.nbytes for tensor in tensors.values()))
    return tensors


def check_weights(spec: RunSpec, store: Reading) -> None:
    """Put the pre-trained weights of a run into its network. Raises ValueError, in one line, where the file is gone,
    damaged or of another network."""
    assert spec.model.weights is not None
    try:
        weights = pretrained_of(spec.model, store, LruCache(0))
        network_of(spec, "source", tasks.outputs_of(spec.target.task), weights)
    except ValueError as problem:
        told = str(problem)
        path = known_path(spec.model.weights) or spec.model.weights
        raise ValueError(told if told.startswith("model.weights") else f"model.weights = {path}: {told}") from None


def network_of(spec: RunSpec, role: Role, outputs: int, weights: Mapping[str, Tensor] | None = None) -> Network:
    """The network before training, on the CPU: drawn from the seed, then given all of `weights` but the head (with
    `transfer.head: source`, the head too), or the part that `transfer.inherit` says, then frozen. weights: those of the
    source model, or pre-trained ones. A source model inherits all of pre-trained weights and freezes nothing."""
    model = spec.model
    if role == "target" and spec.transfer.richness is not None:
        model = model.model_copy(update={"richness": spec.transfer.richness})
    network = architectures.build(model, outputs, seed_for(spec.seed_of(role), role, "init"))
    inherited = spec.transfer.inherit if role == "target" else None
    if weights is not None:
        mask = architectures.mask_of(network, spec.model, inherited or ALL, spec.seed_of("target"))
        head_too = role == "target" and spec.transfer.head == "source"
        architectures.inherit(network, weights, mask, head_too=head_too)
    if role == "target":
        held = network.inherited if inherited is not None and inherited.freeze else None
        still = {*zero_factors(spec.transfer), *(held.units if held is not None else ())}
        later = {unit for unit in still if unit >= spec.transfer.frozen}
        architectures.freeze(network, spec.transfer.frozen, spec.transfer.norm, later)
        if held is not None and not held.units:
            architectures.hold_inherited(network)
    return network


def zero_factors(transfer: TransferSpec) -> tuple[int, ...]:
    """Units after the frozen ones whose learning rate has the factor 0."""
    factors = numbers_of(transfer.rate_factors) if transfer.rate_factors is not None else ()
    return tuple(unit for unit, factor in enumerate(factors) if factor == 0 and unit >= transfer.frozen)
