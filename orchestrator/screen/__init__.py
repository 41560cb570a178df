"""What a person sees of a plan and a launch.

Labels       jobs named by what differs
View         a launch under way, in as many columns as there are
plan_lines   what a sweep would run, before anything is spent
confirmed    whether an expensive launch shall begin
watch        `status`, again and again
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sweeps.contents import lazy

if TYPE_CHECKING:
    from orchestrator.screen.labels import Labels as Labels
    from orchestrator.screen.overview import plan_lines as plan_lines
    from orchestrator.screen.question import confirmed as confirmed
    from orchestrator.screen.view import View as View
    from orchestrator.screen.watching import watch as watch

OFFERED = {
    "Labels": "labels",
    "View": "view",
    "confirmed": "question",
    "plan_lines": "overview",
    "watch": "watching",
}
__getattr__ = lazy(__name__, OFFERED)
