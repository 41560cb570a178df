"""What a ModelSpec says of a network's shape: how many units, in which stages. Nothing here imports torch, so that
planning a sweep does not wait for it."""

from __future__ import annotations

from sweeps.spec import Family, ModelSpec, TransferSpec

BLOCKS: dict[int, tuple[int, ...]] = {
    10: (1, 1, 1, 1),
    18: (2, 2, 2, 2),
    34: (3, 4, 6, 3),
    8: (1, 1, 1),
    14: (2, 2, 2),
    20: (3, 3, 3),
    32: (5, 5, 5),
    44: (7, 7, 7),
    56: (9, 9, 9),
}
"""ResNet: blocks of two convolutions per stage, He et al. 2016 (arXiv:1512.03385); four stages: table 1; three:
section 4.2 (6n+2)."""

LAYERS: dict[int, tuple[int, ...]] = {
    10: (1, 1, 1),
    16: (2, 2, 2),
    22: (3, 3, 3),
    40: (6, 6, 6),
    100: (16, 16, 16),
    121: (6, 12, 24, 16),
}
"""DenseNet: dense layers per block, Huang et al. 2017 (arXiv:1608.06993): three blocks of n for depth 6n+4, table 1."""

ATTENTION_HEADS = 4
"""ViT: the same number at every width, so that a sweep over widths changes the size of heads and nothing else; at
width 256 heads have the 64 entries of Dosovitskiy et al. 2021."""

LARGEST_PATCH = 4

BATCH_NORM: dict[Family, bool] = {"resnet": True, "densenet": True, "vit": False}
"""Whether every unit but the head has a batch norm. ViT has layer norms, which look at one sample at a time."""


def patch_side(image_size: int) -> int:
    """Side of a ViT's patch in pixels: a quarter of the image's, at most 4: 4x4 patches at 8 px, 8x8 at 32 px."""
    return min(image_size // 4, LARGEST_PATCH)


def ladder_length(model: ModelSpec) -> int:
    """L, the number of units. `frozen` may be 0 (all train) to L-1 (only the head trains)."""
    if model.family == "resnet":
        return 2 + 2 * sum(BLOCKS[model.depth])
    return 2 + (sum(LAYERS[model.depth]) if model.family == "densenet" else model.depth)


def check_frozen(model: ModelSpec, frozen: int) -> None:
    """Raise ValueError if a network of `model` has no `frozen` units to freeze."""
    check_depth(frozen, ladder_length(model))


def uses_batch_statistics(model: ModelSpec, transfer: TransferSpec) -> bool:
    """Whether training passes batches through a batch norm that takes their mean and variance.

    Units that train do; frozen ones do unless `norm` is `eval`. The head has no norm.
    """
    return BATCH_NORM[model.family] and (transfer.frozen < ladder_length(model) - 1 or transfer.norm != "eval")


def check_depth(frozen: int, length: int) -> None:
    """Raise ValueError if `frozen` is not in 0..length-1."""
    if not 0 <= frozen < length:
        raise ValueError(
            f"transfer.frozen = {frozen}: allowed 0 to {length - 1} "
            f"(the network has {length} units, the last of which, its head, always trains)"
        )
