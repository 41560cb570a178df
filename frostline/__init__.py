"""The front door: `import frostline as fl`.

load        a sweep in a store as pandas frames: epochs, runs, cells, verdicts
detect      the verdict of a curve, or of the seeds of one: shape, three points, evidence
claims      the claims C1 to C4 on a sweep
advise      how deep to freeze, from a sweep
plot        a sweep along an axis, or arrays, with the verdicts drawn in
save_figure what plot drew for a paper, as PNG, PDF, SVG, its caption as text and LaTeX
InputError  what cannot be used as given, in one line: a sweep, a store, a file of curves

Importing this package loads neither torch nor pandas; each name loads what it needs when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from frostline.process import packages_first

packages_first()

from sweeps.contents import lazy  # noqa: E402 - it may only be found now

if TYPE_CHECKING:
    from frostline.notebook import InputError as InputError
    from frostline.notebook import advise as advise
    from frostline.notebook import claims as claims
    from frostline.notebook import detect as detect
    from frostline.notebook import load as load
    from frostline.notebook import plot as plot
    from frostline.notebook import save_figure as save_figure

OFFERED = {
    "InputError": "notebook",
    "advise": "notebook",
    "claims": "notebook",
    "detect": "notebook",
    "load": "notebook",
    "plot": "notebook",
    "save_figure": "notebook",
}
__getattr__ = lazy(__name__, OFFERED)


def __dir__() -> list[str]:
    return [*OFFERED, "__doc__", "__version__"]
