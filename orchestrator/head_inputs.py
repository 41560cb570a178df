"""What the head of a run reads, and what it starts from: where a theory of the readout begins. Nothing is trained.

The network is the one that training would start from (data, source weights, frozen prefix, head drawn from the seed),
so that a prediction is of this run and not of one like it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import one_hot

from orchestrator.store.jobs import Job
from orchestrator.train.device import prepare
from orchestrator.train.inputs import Inputs
from orchestrator.train.options import TrialOptions
from orchestrator.train.start import setting_of
from orchestrator.train.worker_state import WorkerState
from sweeps.spec import RunSpec
from sweeps.store.location import Location, location_of
from tasks import TaskData

Array = NDArray[np.float64]


class HeadInputs(NamedTuple):
    """features (n, p), the head's inputs with a column of ones where it has a bias, and targets (n, C), one-hot or
    real, as training is given them; `truth` (n, C) without label noise; the same of the test set. start (p, C): the
    head's weights before training, the last row its bias. regression: targets are real.
    """

    features: Array
    targets: Array
    truth: Array
    test_features: Array
    test_targets: Array
    start: Array
    regression: bool


def worker_state(store: str | Location) -> WorkerState:
    """What `head_inputs` keeps from run to run: data, source weights, activations.

    Activations that are worth a file are kept in the store too, as in training: a cache, which needs no right to write.
    """
    return WorkerState(TrialOptions(location_of(store)))


def head_inputs(id: str, spec: RunSpec, state: WorkerState) -> HeadInputs:
    """Of the run `id` of that spec, in float64 from the float32 that training reads.

    Raises ValueError where units before the head train, where their norms change what the head reads while it trains,
    or where its data are not there; Damaged where its source model is not in the store.
    """
    job = Job("run", id, spec)
    stage = job.stage()
    device = prepare("cpu", 1, spec.train.precision)
    setting, _ = setting_of(job, stage, device, state.ledger, state)
    network = setting.network
    last = len(network.units) - 1
    if network.frozen != last:
        raise ValueError(f"transfer.frozen = {network.frozen}: allowed for a theory of the readout: {last}")
    if not network.prefix_stays():
        raise ValueError(f"transfer.norm = {network.frozen_norm}: allowed for a theory of the readout: eval")
    network.eval()
    seen: list[Tensor] = []
    handle = network.head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    with torch.no_grad(), device.autocast:
        _ = setting.inputs.all_logits(network)
    handle.remove()
    rows = torch.cat(seen)
    tested = _tested(setting.inputs)
    head, data = network.head, setting.data
    with_bias = head.bias is not None
    weights = [head.weight.detach().T, *([head.bias.detach()[None]] if with_bias else [])]
    return HeadInputs(
        features=_with_ones(rows[tested:], with_bias),
        targets=_targets(data.labels, data),
        truth=_targets(data.true_labels, data),
        test_features=_with_ones(rows[:tested], with_bias),
        test_targets=_targets(data.test_labels, data),
        start=_numbers(torch.cat(weights)),
        regression=data.is_regression,
    )


def _tested(inputs: Inputs) -> int:
    return len(inputs.test[0])


def _targets(labels: Tensor, data: TaskData) -> Array:
    return _numbers(labels if data.is_regression else one_hot(labels, data.classes))


def _with_ones(rows: Tensor, with_bias: bool) -> Array:
    features = _numbers(rows)
    return np.hstack([features, np.ones((len(features), 1))]) if with_bias else features


def _numbers(tensor: Tensor) -> Array:
    return tensor.cpu().double().numpy()
