"""A two-layer perceptron in mean-field scaling, whose richness says how much its features change by training.

    f(x) = (1/(gamma N)) sum_i z_i phi(w_i.x/sqrt(D)),   w_i ~ N(0, I), z_i ~ N(0, 1),   less what this is at the start

of `width` N hidden units at the richness gamma (Lauditi, Bordelon & Pehlevan 2025, arXiv:2507.04448): small is lazy, a
kernel method; large is rich. What trains are the weights' differences from their start over gamma sqrt(N), so that one
learning rate is right at every width and richness: gradient descent at the rate eta on the mean squared error is the
flow of analysis/theory/particles.py in steps of 2 eta. A target network starts from the source's hidden weights with
readouts drawn anew, and from f = 0 again; its richness may be another one (`transfer.richness`).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from architectures.families.family import Family
from architectures.families.filters import Group, Part, group
from architectures.families.ladder import HEAD, STEM, State, Unit
from architectures.families.work import Work, linear_head
from sweeps.spec import ModelSpec

if TYPE_CHECKING:
    from architectures.families.plain.mean_field_module import MeanFieldMLP


def inputs_of(model: ModelSpec) -> int:
    return model.channels * model.image_size**2 if model.inputs is None else model.inputs


def construct(model: ModelSpec) -> MeanFieldMLP:
    from architectures.families.plain.mean_field_module import MeanFieldMLP

    richness = 1.0 if model.richness is None else model.richness
    return MeanFieldMLP(inputs_of(model), model.width, richness, model.activation != "linear")


def add_head(net: MeanFieldMLP, outputs: int) -> None:
    net.add_readout(outputs)


def run_hidden(net: MeanFieldMLP, state: State) -> State:
    return net.hidden(state[0])


def run_readout(net: MeanFieldMLP, state: State) -> State:
    return (net.read(*state),)


def ladder(model: ModelSpec) -> tuple[Unit, ...]:
    """The hidden units and the readout."""
    return Unit(STEM, ("hidden",), run_hidden, None), Unit(HEAD, ("readout",), run_readout, None)


def work(model: ModelSpec, outputs: int) -> Iterator[Work]:
    """Hidden units are computed twice: as they are and as they started."""
    once = linear_head(inputs_of(model), model.width)
    yield once + once
    yield linear_head(2 * model.width, outputs)


def filters(model: ModelSpec) -> Iterator[Group]:
    """The hidden units, each with where it started. The scale is one for all and is inherited with any share."""
    yield group("hidden", model.width, [Part("hidden.weight"), Part("hidden.start")])


FAMILY = Family(
    depths=(2,),
    own_fields=frozenset({"inputs", "richness", "activation"}),
    ladder=ladder,
    work=work,
    construct=construct,
    add_head=add_head,
    filters=filters,
    channels_last=False,
)
