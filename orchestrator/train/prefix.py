"""The frozen prefix: computed once where that is exact, in every pass where it is not.

A wholly frozen prefix whose norms are in evaluation mode gives the same activations in every epoch. They are computed
once for all images, and training starts from them. That is exact only if an image's activations do not depend on the
batch it is in. Libraries promise no such thing: they choose kernels by size, and other kernels add in another order.
(Seen with torch 2.15: none but a batch of one on an Intel Xeon; batches under 16 in a narrow DenseNet on an AMD EPYC.)
So evaluation reads the same batches either way, and training batches are tried, size by size, before they are skipped.
"""

from __future__ import annotations

from collections.abc import Iterable

import torch

from architectures import Network
from orchestrator.store.interface import Store
from orchestrator.train import prefix_files
from orchestrator.train.inputs import Inputs
from orchestrator.train.methods.method import Setting
from orchestrator.train.worker_state import MISSING, LruCache
from sweeps.identity import model_name
from sweeps.spec import ModelSpec, Recipe
from tasks import TaskData, batch_sizes


def frozen_inputs(
    setting: Setting, model: ModelSpec, key: str, kept: LruCache | None, store: Store
) -> tuple[Inputs, str]:
    """What training reads, and a note for the record on whether the frozen prefix is computed once.

    `setting.inputs` are the images, which are read where it is not. `key` says all that the activations depend on
    besides the machine. `kept` holds those that this worker has in memory; None switches the cache off.
    """
    network, recipe, device, images = setting.network, setting.recipe, setting.device, setting.inputs
    reason = declined(network, recipe)
    if reason is not None or kept is None:
        return images, f"frozen prefix in every pass: {reason or 'switched off'}"

    found = kept.get((key, device.torch))
    if found is MISSING:
        with device.autocast:
            found = prefix_files.read_or_compute(
                store, key, device, images.most, lambda: activations(network, images, kept.most_bytes)
            )
        kept.put((key, device.torch), found, 0 if found is None else found.bytes)
    if found is None:
        return images, "frozen prefix in every pass: its activations are too large"
    if device.torch.type == "cpu":  # elsewhere results are equal to rounding, not to the bit
        sizes = batch_sizes(len(setting.data.labels), recipe.batch_size, recipe.batches)
        with device.autocast:
            size = inexact_batch(network, setting.data, found, sizes)
        if size is not None:
            return images, f"frozen prefix in every pass: batches of {size} give other bits here"
    return found, f"frozen prefix of {model_name(model)} computed once: {found.bytes:,} bytes"


def declined(network: Network, recipe: Recipe) -> str | None:
    """Why the prefix must be computed in every pass; None if once is exact."""
    if network.frozen == 0:
        return "nothing is frozen"
    if recipe.augment != "none":
        return f"augment = {recipe.augment}: images differ from epoch to epoch"
    if not all(unit.runs for unit in network.units):
        return "this network does not run unit by unit"
    if not network.exact_prefix():
        return f"transfer.norm = {network.frozen_norm}: frozen norms depend on the batch"
    return None


@torch.no_grad()
def activations(network: Network, images: Inputs, most_bytes: int) -> Inputs | None:
    """The activations of the frozen prefix for all images; None if they would take more than `most_bytes`."""
    network.eval()
    (train,), (test,) = images.train, images.test
    cut, tested = network.frozen, len(test)
    probe = network.prefix(train[:2], cut)
    if sum(tensor.nbytes for tensor in probe) / len(train[:2]) * (tested + len(train)) > most_bytes:
        return None
    pieces = [network.prefix(chunk[0], cut) for chunk in images.chunks]
    state = [torch.cat(tensors) for tensors in zip(*pieces, strict=True)]
    return Inputs(
        cut, tuple(tensor[tested:] for tensor in state), tuple(tensor[:tested] for tensor in state), images.most
    )


@torch.no_grad()
def inexact_batch(network: Network, data: TaskData, inputs: Inputs, sizes: Iterable[int]) -> int | None:
    """The first of these batch sizes at which the prefix gives other bits than `inputs` holds; None if none does."""
    network.eval()
    for size in sorted(set(sizes)):
        batch = network.prefix(data.inputs[:size].clone(), inputs.cut)
        if not all(torch.equal(a, b[:size]) for a, b in zip(batch, inputs.train, strict=True)):
            return size
    return None
