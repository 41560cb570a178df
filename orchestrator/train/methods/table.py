"""The training methods that a recipe may name."""

from __future__ import annotations

from orchestrator.train.methods.analytic.rows import Analytic, Unadapted
from orchestrator.train.methods.gradient import Gradient
from orchestrator.train.methods.method import Method
from sweeps.errors import shown, suggestion
from sweeps.seeds import Role
from sweeps.spec import DEFAULT_METHOD, Recipe, RunSpec

METHODS: dict[str, Method] = {
    DEFAULT_METHOD: Gradient(),
    "lva_exact": Analytic("lva_exact"),
    "lva_ridge": Analytic("lva_ridge"),
    "lva_perturb": Analytic("lva_perturb"),
    "unadapted": Unadapted(),
}
"""One row a method, by its name in a sweep (`train: {method: gradient}`)."""


def method_of(recipe: Recipe) -> Method:
    """The method that a recipe names. Raises ValueError for a name that is not in the table."""
    name = recipe.method or DEFAULT_METHOD
    if name not in METHODS:
        raise ValueError(f"method = {shown(name)}: allowed: {', '.join(METHODS)}{suggestion(name, METHODS)}")
    return METHODS[name]


def check_methods(run: RunSpec) -> None:
    """Raise ValueError where the source's or the target's method is unknown or cannot train this run."""
    recipes: tuple[tuple[Role, str, Recipe | None], ...] = (
        ("source", "source", run.source),
        ("target", "train", run.train),
    )
    for role, field, recipe in recipes:
        if recipe is None:
            continue
        try:
            method = method_of(recipe)
        except ValueError as problem:
            raise ValueError(f"{field}.{problem}") from None
        method.check(run, role)
