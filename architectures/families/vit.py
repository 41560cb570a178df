"""timm's VisionTransformer for small images, as a ladder of one unit per block."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import TYPE_CHECKING

from architectures.families.family import Family
from architectures.families.filters import Group, Part, group, outputs
from architectures.families.ladder import HEAD, STEM, State, Unit
from architectures.families.work import NOTHING, Work, linear_head
from sweeps.spec import ModelSpec

if TYPE_CHECKING:
    from timm.models.vision_transformer import VisionTransformer

ATTENTION_HEADS = 4
"""The same number at every width, so that a sweep over widths changes the size of heads and nothing else; at width 256
heads have the 64 entries of Dosovitskiy et al. 2021."""

LARGEST_PATCH = 4


def check(model: ModelSpec) -> None:
    if model.width % ATTENTION_HEADS:
        raise ValueError(
            f"model.width = {model.width}: allowed with the family vit: multiples of {ATTENTION_HEADS} "
            f"(attention heads share it evenly)"
        )
    side = model.image_size
    if model.patch is not None and side % model.patch:
        divisors = ", ".join(str(patch) for patch in range(1, side + 1) if side % patch == 0)
        raise ValueError(f"model.patch = {model.patch}: allowed with model.image_size {side}: {divisors}")
    if model.patch is None and side % 4:
        raise ValueError(f"model.image_size = {side}: allowed with the family vit without model.patch: multiples of 4")


def patch_side(model: ModelSpec) -> int:
    """Side of a patch in pixels: `patch`, or a quarter of the image's, at most 4: 2x2 at 8 px, 4x4 from 16 px on."""
    return model.patch or min(model.image_size // 4, LARGEST_PATCH)


def canonical(model: ModelSpec) -> ModelSpec:
    """The patch that null stands for at this image size is null."""
    unsaid = model.model_copy(update={"patch": None})
    usual = model.image_size % 4 == 0 and model.patch == patch_side(unsaid)
    return unsaid if usual else model


def construct(model: ModelSpec) -> VisionTransformer:
    """A headless ViT (Dosovitskiy et al. 2021, arXiv:2010.11929): class token, learnt positions, no dropout.

    Width is the embedding size, shared evenly by four attention heads; the MLP is four times as wide.
    Input (N, channels, S, S), features (N, 1 + patches, width).
    """
    from timm.models.vision_transformer import VisionTransformer

    return VisionTransformer(
        img_size=model.image_size,
        patch_size=patch_side(model),
        in_chans=model.channels,
        num_classes=0,
        embed_dim=model.width,
        depth=model.depth,
        num_heads=ATTENTION_HEADS,
    )


def add_head(net: VisionTransformer, classes: int) -> None:
    """A linear head as timm's ViT draws it: truncated normal of deviation 0.02, biases zero."""
    from timm.models.vision_transformer import init_weights_vit_timm

    net.reset_classifier(classes)
    init_weights_vit_timm(net.head)


def ladder(model: ModelSpec) -> tuple[Unit, ...]:
    """Stem (patch embedding, class token, positions), one unit per block, head.

    The final norm belongs to the last block, whose output nothing else reads: a head that trains by itself is
    then a linear map of fixed features.
    """
    last = model.depth - 1
    blocks = [Unit(f"blocks.{index}", (f"blocks.{index}",), partial(_block, index), "sample") for index in range(last)]
    blocks.append(Unit(f"blocks.{last}", (f"blocks.{last}", "norm"), partial(_last_block, last), "sample"))
    stem = Unit(STEM, ("patch_embed", "cls_token", "pos_embed"), _stem, None)
    return (stem, *blocks, Unit(HEAD, ("head",), _head, None))


def _stem(net: VisionTransformer, state: State) -> State:
    (x,) = state
    return (net.norm_pre(net.patch_drop(net._pos_embed(net.patch_embed(x)))),)


def _block(index: int, net: VisionTransformer, state: State) -> State:
    (x,) = state
    return (net.blocks[index](x),)


def _last_block(index: int, net: VisionTransformer, state: State) -> State:
    (x,) = _block(index, net, state)
    return (net.norm(x),)


def _head(net: VisionTransformer, state: State) -> State:
    (x,) = state
    return (net.forward_head(x),)


def _tune(net: VisionTransformer) -> None:
    from architectures.families.tuned.class_token import read_class_token_alone

    read_class_token_alone(net)


def work(model: ModelSpec, classes: int) -> Iterator[Work]:
    width, patch = model.width, patch_side(model)
    patches = (model.image_size // patch) ** 2
    tokens = patches + 1
    yield Work(patches * patch * patch * model.channels * width, 3 * tokens * width, 5)
    for block in range(model.depth):
        products = Work(12 * width * width * tokens, 20 * width * tokens, 14)
        attention = Work(2 * tokens * tokens * width, 4 * tokens * tokens, 8)
        last = Work(0, width * tokens, 1) if block == model.depth - 1 else NOTHING
        yield products + attention + last
    yield linear_head(width, classes)


def filters(model: ModelSpec) -> Iterator[Group]:
    """Of each block its attention heads and the hidden units of its MLP.

    The embedding, the positions, the norms and what is added to all tokens are of no group: heads and units read and
    write one stream, whose directions have no meaning apart.
    """
    width, each = model.width, model.width // ATTENTION_HEADS
    for block in (f"blocks.{index}" for index in range(model.depth)):
        qkv = [Part(f"{block}.attn.qkv.{name}", 0, k * width, each) for name in ("weight", "bias") for k in range(3)]
        yield group(f"{block}.attn", ATTENTION_HEADS, qkv, [Part(f"{block}.attn.proj.weight", 1, 0, each)])
        hidden = [*outputs(f"{block}.mlp.fc1", bias=True), Part(f"{block}.mlp.fc2.weight", 1)]
        yield group(f"{block}.mlp", 4 * width, hidden)


FAMILY = Family(
    depths=range(1, 49),
    check=check,
    canonical=canonical,
    own_fields=frozenset({"patch"}),
    ladder=ladder,
    work=work,
    construct=construct,
    add_head=add_head,
    tune=_tune,
    filters=filters,
    channels_last=False,
)
