"""Network families: one file each, picked from one table. Nothing here imports torch or timm before a network is made.

FAMILIES         the table: `model.family` -> Family
family_of        the family of a ModelSpec that its family allows

A new family is a file with a `Family` in it and a row of the table. A parameter that no other family has is a new field
of ModelSpec, None by default: the family names it in `own_fields`, and the others refuse it.
"""

from __future__ import annotations

import difflib

from architectures.families import densenet, preact_resnet, resnet, timm_model, two_layer_relu_cnn, vgg, vit
from architectures.families.family import Family
from architectures.families.plain import fcn, mean_field_mlp, mlp
from sweeps.errors import shown
from sweeps.spec import ModelSpec

__all__ = ["FAMILIES", "family_of"]

FAMILIES: dict[str, Family] = {
    "resnet": resnet.FAMILY,
    "preact_resnet": preact_resnet.FAMILY,
    "densenet": densenet.FAMILY,
    "vit": vit.FAMILY,
    "vgg": vgg.FAMILY,
    "mlp": mlp.FAMILY,
    "fcn": fcn.FAMILY,
    "mean_field_mlp": mean_field_mlp.FAMILY,
    "timm": timm_model.FAMILY,
    "two_layer_relu_cnn": two_layer_relu_cnn.FAMILY,
}


def family_of(model: ModelSpec) -> Family:
    """The family of a network. Raises ValueError with one line where there is no such family or network.

    Example: `family_of(ModelSpec(family="resnet", depth=9, width=4))` raises
    `model: depth 9 is no resnet; allowed: 8, 10, 14, 18, 20, 32, 34, 44, 50, 56`.
    """
    family = FAMILIES.get(model.family)
    if family is None:
        *others, last = map(repr, FAMILIES)
        near = difflib.get_close_matches(model.family, FAMILIES, n=1)
        meant = f"; did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"model.family = {shown(model.family)}: allowed: {', '.join(others)} or {last}{meant}")
    of_others = frozenset[str]().union(*(other.own_fields for other in FAMILIES.values())) - family.own_fields
    for field in sorted(of_others):
        if getattr(model, field) is not None:
            of = " or ".join(name for name, other in FAMILIES.items() if field in other.own_fields)
            raise ValueError(f"model.{field} = {shown(getattr(model, field))}: allowed with the family {of} alone")
    if model.depth not in family.depths:
        raise ValueError(f"model: depth {model.depth} is no {model.family}; allowed: {_listed(family)}")
    family.check(model)
    return family


def _listed(family: Family) -> str:
    depths = family.depths
    return f"{depths[0]} to {depths[-1]}" if isinstance(depths, range) else ", ".join(map(str, depths))
