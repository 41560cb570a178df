"""What next: the plan, the order of jobs, what they cost.

Plan        what a sweep asks for, and what the store holds of it
make_plan   expand, check and look up a sweep
Agenda      which job to hand out next
CostModel   seconds of a job, learnt from results
KnownWords  the networks and tasks that a sweep may name

The module `forecast` gives device time and wall time with intervals.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from orchestrator.schedule.agenda import Agenda as Agenda
    from orchestrator.schedule.cost import CostModel as CostModel
    from orchestrator.schedule.plan import Plan as Plan
    from orchestrator.schedule.plan import make_plan as make_plan
    from orchestrator.schedule.vocabulary import KnownWords as KnownWords

OFFERED = {
    "Agenda": "agenda",
    "CostModel": "cost",
    "KnownWords": "vocabulary",
    "Plan": "plan",
    "make_plan": "plan",
}
__getattr__ = lazy(__name__, OFFERED)
