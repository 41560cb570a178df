"""Features: what the head reads, of source and target samples under the source's network, in evaluation mode."""

from __future__ import annotations

import time
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

import architectures
from architectures import Network
from orchestrator.features.pairs import TransferPair
from orchestrator.train import prefix_files
from orchestrator.train.batch_sizes import images_per_pass
from orchestrator.train.device import RunDevice, placed, prepare
from orchestrator.train.inputs import Inputs
from orchestrator.train.start import data_of, network_of, pretrained_of, weights_of
from orchestrator.train.worker_state import WorkerState, keys_of
from sweeps.seeds import seed_for
from tasks import TaskData

MOST_SAMPLES = 2000
"""Training samples of each side, the first of its set: sets are prefixes of larger ones, each class with its share."""


class PairFeatures(NamedTuple):
    """features (n, p) and labels (n,) as training has them, noise included; logits (n, source classes) of the source's
    own head on the target's samples. Of a network from a file of weights the target's features and labels alone."""

    target: NDArray[np.float64]
    target_labels: NDArray[np.int64]
    target_classes: int
    source: NDArray[np.float64] | None
    source_labels: NDArray[np.int64] | None
    source_classes: int | None
    target_logits: NDArray[np.float64] | None
    seconds: float
    """What it took, data included."""


def features_of(pair: TransferPair, state: WorkerState, device_name: str = "cpu", threads: int = 1) -> PairFeatures:
    """The features of a pair, from the store if they are there; else computed, and stored if that takes long.

    No test sample is read: the choice of a source must not depend on what it is judged by. Raises Damaged where the
    source model is not in the store, ValueError where the data are not there or the head is not one linear layer.
    """
    began = time.perf_counter()
    spec, ledger = pair.spec, state.ledger
    device = prepare(device_name, threads, spec.train.precision)
    target = data_of(spec, "target", keys_of(spec, "target").data, device, state.data, ledger)
    source, origin = None, spec.model.weights or ""
    if pair.source is not None:
        source = data_of(spec, "source", keys_of(spec, "source").data, device, state.data, ledger)
        origin = f"{pair.source.id} {ledger.weights_sha256(pair.source.id)}"
    key = f"pair {pair.id} {MOST_SAMPLES} {origin} {target.digest} {'' if source is None else source.digest}"
    most = images_per_pass(spec.model.image_size, device.torch.type == "cpu")
    found = prefix_files.read_or_compute(
        ledger.store, key, device, most, lambda: _computed(pair, target, source, device, state, most)
    )
    assert found is not None
    (features, logits), (source_features, _) = found.train, found.test
    return PairFeatures(
        target=_numbers(features),
        target_labels=target.labels[:MOST_SAMPLES].cpu().numpy(),
        target_classes=target.classes,
        source=None if source is None else _numbers(source_features),
        source_labels=None if source is None else source.labels[:MOST_SAMPLES].cpu().numpy(),
        source_classes=None if source is None else source.classes,
        target_logits=None if source is None else _numbers(logits),
        seconds=time.perf_counter() - began,
    )


def _computed(
    pair: TransferPair, target: TaskData, source: TaskData | None, device: RunDevice, state: WorkerState, most: int
) -> Inputs:
    """Both sides as stored activations: of each its features and the head's logits; the target's as `train`."""
    network = placed(
        _network(pair, source, target, state), pair.spec.model.family, pair.spec.train.kernels, device.torch
    )
    network.eval()
    with torch.no_grad(), device.autocast:
        there = _passed(network, target.inputs[:MOST_SAMPLES], most)
        here = (
            _passed(network, source.inputs[:MOST_SAMPLES], most) if source is not None else (there[0][:0], there[1][:0])
        )
    return Inputs(len(network.units) - 1, there, here, most)


def _network(pair: TransferPair, source: TaskData | None, target: TaskData, state: WorkerState) -> Network:
    spec = pair.spec
    if pair.source is None or source is None:
        weights = pretrained_of(spec.model, state.ledger.store, state.weights)
        return network_of(spec, "source", target.classes, weights)
    # The whole of the source model, its head too, which a target network does not take over.
    network = architectures.build(spec.model, source.classes, seed_for(spec.seed_of("source"), "source", "init"))
    network.load_state_dict(weights_of(pair.source.id, state.ledger, state.weights).tensors)
    return network


def _passed(network: Network, images: Tensor, most: int) -> tuple[Tensor, Tensor]:
    """(features (n, p), logits (n, classes)) of images (n, C, H, W), in passes of at most `most`."""
    read: list[Tensor] = []

    def keep(_: nn.Module, given: tuple[Tensor, ...]) -> None:
        read.append(given[0].float().flatten(1))

    handle = network.head.register_forward_pre_hook(keep)
    try:
        logits = [network(images[start : start + most]).float() for start in range(0, len(images), most)]
    finally:
        handle.remove()
    return torch.cat(read), torch.cat(logits)


def _numbers(tensor: Tensor) -> NDArray[np.float64]:
    return tensor.detach().cpu().double().numpy()
