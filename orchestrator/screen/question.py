"""Before a launch that takes long: a question, where a person sits there."""

from __future__ import annotations

from orchestrator.schedule.forecast import Forecast, span
from sweeps.console import say, somebody_sits_there

ASK_ABOVE = 1.0
"""Hours of device time above which a launch is asked about."""


def confirmed(expected: Forecast, above: float, yes: bool) -> bool:
    """Whether the launch shall begin. above: hours of device time up to which nothing is asked; yes: ask nothing.

    Without a terminal nothing is asked: nobody could answer.
    """
    seconds = expected.costs.total.seconds
    if yes or seconds <= 3600 * above or not somebody_sits_there():
        return True
    say(
        f"This takes about {span(seconds)} of device time, {span(expected.wall_seconds)} on the clock "
        f"(asked above {above:g} h; --yes does not ask)."
    )
    try:
        return input("Launch it? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:
        print()
        return False
