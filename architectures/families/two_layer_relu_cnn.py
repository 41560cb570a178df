"""The two-layer ReLU CNN of Yuan et al. (arXiv:2509.22056), whose second layer is fixed.

Two patches x1, x2 (the halves of an image's pixels), m = `width` filters w of each sign:
f = (1/m) sum_r relu(<w+_r, x1>) + relu(<w+_r, x2>), less the same of w-. The logits are the two sums, that of w- first,
so that the cross-entropy is the logistic loss log(1 + exp(-y f)).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from architectures.families.family import Family
from architectures.families.filters import Group, Part, group
from architectures.families.ladder import HEAD, STEM, State, Unit
from architectures.families.work import Work
from sweeps.spec import ModelSpec

if TYPE_CHECKING:
    from architectures.families.two_layer_module import TwoLayerReLU

INITIAL = 1e-3
"""Standard deviation of the initial weights, which are Gaussian: a choice of this project."""
SIGNS = ("minus", "plus")


def patch_size(model: ModelSpec) -> int:
    """Entries of one of the two patches."""
    return model.channels * model.image_size**2 // 2


def construct(model: ModelSpec) -> TwoLayerReLU:
    """The filters. Input (N, channels, S, S)."""
    from architectures.families.two_layer_module import TwoLayerReLU

    return TwoLayerReLU(patch_size(model), model.width, INITIAL)


def add_head(net: TwoLayerReLU, classes: int) -> None:
    """The fixed sums. Raises ValueError for a number of classes other than 2."""
    from architectures.families.two_layer_module import SignedSums

    if classes != len(SIGNS):
        raise ValueError(f"classes = {classes}: a two_layer_relu_cnn tells 2 classes apart")
    net.head = SignedSums()


def ladder(model: ModelSpec) -> tuple[Unit, ...]:
    """The filters, and the head, which has nothing that trains."""
    del model
    return Unit(STEM, ("filters",), _filters, None), Unit(HEAD, ("head",), _head, None)


def _filters(net: TwoLayerReLU, state: State) -> State:
    (x,) = state
    return (net.activations(x),)


def _head(net: TwoLayerReLU, state: State) -> State:
    (x,) = state
    return (net.head(x),)


def filters(model: ModelSpec) -> Iterator[Group]:
    """Those of each sign by themselves: a filter is inherited into its own sign."""
    for place, sign in enumerate(SIGNS):
        yield group(sign, model.width, [Part("filters.weight", 0, place * model.width)])


def work(model: ModelSpec, classes: int) -> Iterator[Work]:
    number = len(SIGNS) * model.width
    yield Work(2.0 * patch_size(model) * number, 4.0 * number, 5)
    yield Work(0.0, float(number + classes), 3)


FAMILY = Family(
    depths=(2,),
    ladder=ladder,
    work=work,
    construct=construct,
    add_head=add_head,
    filters=filters,
    classes=len(SIGNS),
    linear_head=False,
    fixed_head=True,
    channels_last=False,
)
