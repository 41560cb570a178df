"""The data condition: how far target samples lie from the source samples that they are shifted forms of.

Layer variational analysis expands the network to first order about each source sample. What is measured here, for
each run whose task has such pairs, says how small the shift is and how much of its effect the expansion misses. Which
numbers are measured is a choice of ours.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from orchestrator.train.methods.analytic.head_layer import HeadLayer
from orchestrator.train.methods.method import Setting


def first_order(setting: Setting) -> tuple[Tensor, Tensor]:
    """(f(x), J(x) dx) of the source sample x behind each target sample x + dx, (N, T) each, in evaluation mode."""
    data, network = setting.data, setting.network
    assert data.paired_inputs is not None
    network.eval()
    start, shift = data.paired_inputs, data.inputs - data.paired_inputs
    # By two backward passes: forward mode (torch.func.jvp) warns of torch's own use of torch.jit.
    outputs, tangents = torch.autograd.functional.jvp(network.net, start, shift)
    assert isinstance(outputs, Tensor) and isinstance(tangents, Tensor)
    return outputs.detach(), tangents.detach()


def data_condition(setting: Setting, head: HeadLayer, rows: Tensor, outputs: Tensor) -> dict[str, float]:
    """feature_shift, target_shift, first_order_error of a task with pairs; nothing of another task.

    rows, outputs: what the head reads of the target samples (`HeadLayer.rows`), and the network's outputs, before it is
    adapted. |.| is the Frobenius norm.

    feature_shift: |Z' - Z| / |Z|. target_shift: |Y' - Y| / |Y|. first_order_error: |f(x') - f(x) - J dx| over
    |f(x') - f(x)|: 0 where the expansion is exact, 1 where it is as good as none. NaN where nothing is shifted.
    """
    data = setting.data
    if data.paired_inputs is None or data.paired_labels is None:
        return {}
    before, _ = head.features_of(data.paired_inputs, setting.inputs.most)
    there = head.rows(before)
    start, tangent = (part.double() for part in first_order(setting))
    moved = outputs.double() - start
    return {
        "feature_shift": _ratio(rows - there, there),
        "target_shift": _ratio((data.labels - data.paired_labels).double(), data.paired_labels.double()),
        "first_order_error": _ratio(moved - tangent, moved),
    }


def _ratio(part: Tensor, whole: Tensor) -> float:
    size = torch.linalg.norm(whole).item()
    return torch.linalg.norm(part).item() / size if size > 0 else math.nan
