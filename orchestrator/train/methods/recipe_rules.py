"""What in a recipe of gradient descent goes together."""

from __future__ import annotations

from sweeps.errors import shown
from sweeps.spec import Recipe


def check_recipe(recipe: Recipe, section: str) -> None:
    """Raise ValueError, with one line that names the field, where fields of a recipe contradict each other.

    `section`: where the recipe stands in a run, `source` or `train`.
    """
    if recipe.steps is not None and recipe.epochs != 0:
        raise ValueError(f"{section}.epochs = {recipe.epochs}: allowed with {section}.steps: 0 (one budget, not two)")
    if recipe.head_start is not None and recipe.epochs == 0 and recipe.steps is None:
        place = f"{section}.head_start = {recipe.head_start!r}"
        raise ValueError(f"{place}: allowed with {section}.epochs or {section}.steps above 0 (nothing would train)")
    if recipe.nesterov and (recipe.optimizer != "sgd" or recipe.momentum == 0):
        raise ValueError(f"{section}.nesterov = true: allowed with optimizer sgd and a momentum above 0")
    if recipe.schedule == "step" and recipe.milestones is None:
        raise ValueError(f"{section}.schedule = 'step': needs {section}.milestones, such as [50, 75] (epochs)")
    for field in ("milestones", "decay"):
        if getattr(recipe, field) is not None and recipe.schedule != "step":
            value = shown(getattr(recipe, field))
            raise ValueError(f"{section}.{field} = {value}: allowed with {section}.schedule: step alone")
