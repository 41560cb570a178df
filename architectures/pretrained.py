"""Pre-trained weights as tensors that a network of ours inherits."""

from __future__ import annotations

from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from architectures.families import timm_model
from sweeps.spec import ModelSpec

TIMM = "timm"


def pretrained_tensors(model: ModelSpec, content: bytes) -> dict[str, Tensor]:
    """The state dict in a safetensors file, as a network of `model` has it; what it says of a head is not used.

    timm itself reads weights for its models: older names, another image size, another number of channels. Raises
    ValueError, in one line, where the file is damaged or of another network.
    """
    try:
        tensors = load(content)
    except (SafetensorError, ValueError, KeyError) as problem:
        raise ValueError(f"model.weights: a damaged file ({' '.join(str(problem).split())[:160]})") from None
    if model.family != TIMM:
        return tensors
    return timm_model.pretrained_state(model, tensors)
