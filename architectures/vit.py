"""timm's VisionTransformer for small images, as a ladder of one unit per block."""

from __future__ import annotations

from functools import partial

from timm.models.vision_transformer import VisionTransformer, init_weights_vit_timm
from torch import nn

from architectures.ladder import HEAD, STEM, State, Unit
from architectures.shapes import ATTENTION_HEADS, patch_side
from sweeps.spec import ModelSpec


def construct(model: ModelSpec) -> VisionTransformer:
    """A headless ViT (Dosovitskiy et al. 2021, arXiv:2010.11929): class token, learnt positions, no dropout.

    Width is the embedding size, shared evenly by four attention heads; the MLP is four times as wide.
    Input (N, channels, S, S), features (N, 1 + patches, width).
    """
    return VisionTransformer(
        img_size=model.image_size,
        patch_size=patch_side(model.image_size),
        in_chans=model.channels,
        num_classes=0,
        embed_dim=model.width,
        depth=model.depth,
        num_heads=ATTENTION_HEADS,
    )


def draw_head(head: nn.Linear) -> None:
    """Draw a head's weights as timm's ViT does: truncated normal of deviation 0.02, biases zero."""
    init_weights_vit_timm(head)


def ladder(depth: int) -> tuple[Unit, ...]:
    """Stem (patch embedding, class token, positions), one unit per block, head.

    The final norm belongs to the last block, whose output nothing else reads: a head that trains by itself is
    then a linear map of fixed features.
    """
    last = depth - 1
    blocks = [Unit(f"blocks.{index}", (f"blocks.{index}",), partial(_block, index)) for index in range(last)]
    blocks.append(Unit(f"blocks.{last}", (f"blocks.{last}", "norm"), partial(_last_block, last)))
    stem = Unit(STEM, ("patch_embed", "cls_token", "pos_embed"), _stem)
    return (stem, *blocks, Unit(HEAD, ("head",), _head))


def _stem(net: nn.Module, state: State) -> State:
    assert isinstance(net, VisionTransformer)
    (x,) = state
    return (net.norm_pre(net.patch_drop(net._pos_embed(net.patch_embed(x)))),)


def _block(index: int, net: nn.Module, state: State) -> State:
    assert isinstance(net, VisionTransformer)
    (x,) = state
    return (net.blocks[index](x),)


def _last_block(index: int, net: nn.Module, state: State) -> State:
    assert isinstance(net, VisionTransformer)
    (x,) = _block(index, net, state)
    return (net.norm(x),)


def _head(net: nn.Module, state: State) -> State:
    assert isinstance(net, VisionTransformer)
    (x,) = state
    return (net.forward_head(x),)
