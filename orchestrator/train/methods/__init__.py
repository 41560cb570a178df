"""Training methods: how a network's weights are found.

METHODS     the table: one row a method
method_of   the method that a recipe names
Method      what a row offers: which runs it can train, its work, its training
Setting     what a method is given
Trained     what it gives back: the curve

`gradient` is minibatch gradient descent by Lightning, in the modules `fit`, `training` and `checkpoint`.
The table needs no torch: a plan asks it for rules and work.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from orchestrator.train.methods.method import Method as Method
    from orchestrator.train.methods.method import Setting as Setting
    from orchestrator.train.methods.method import Trained as Trained
    from orchestrator.train.methods.table import METHODS as METHODS
    from orchestrator.train.methods.table import method_of as method_of

OFFERED = {
    "METHODS": "table",
    "Method": "method",
    "Setting": "method",
    "Trained": "method",
    "method_of": "table",
}
__getattr__ = lazy(__name__, OFFERED)
