"""Settings of a store's processes that come from the environment, read once by the command line and passed on."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass

from orchestrator.store.faults import NO_FAULTS, Faults, parse
from sweeps.errors import SpecError, shown


@dataclass(frozen=True)
class Settings:
    """None of them changes a result. A driver hands its own to its workers.

    lease_expiry: seconds that a heartbeat must stand still before a run may be taken over. Every process on a store
    should use the same. From the environment it is finite and at least SHORTEST_EXPIRY.
    checkpoint_share: most of a run's time that checkpoints may take. Cheap epochs are saved in groups, expensive ones
    one by one; 0 saves none unless the run is asked to stop, inf every epoch.
    """

    lease_expiry: float = 60.0
    checkpoint_share: float = 0.01
    faults: Faults = NO_FAULTS


DEFAULT = Settings()
SHORTEST_EXPIRY = 0.1
"""Seconds. With 0 heartbeats would come without a pause, and every live run would be taken over."""


def from_environment(environment: Mapping[str, str] = os.environ) -> Settings:
    """Settings from FROSTLINE_LEASE_EXPIRY, FROSTLINE_CHECKPOINT_SHARE and FROSTLINE_FAULTS.

    Raises SpecError, in one line, for a value that is none.

    Example:
        >>> from_environment({"FROSTLINE_LEASE_EXPIRY": "5"}).lease_expiry
        5.0
    """
    try:
        faults = parse(environment.get("FROSTLINE_FAULTS", ""))
    except (ValueError, TypeError) as problem:
        raise SpecError(f"FROSTLINE_FAULTS: {' '.join(str(problem).split())}; allowed: a JSON list of faults") from None
    return Settings(
        _number(environment, "FROSTLINE_LEASE_EXPIRY", DEFAULT.lease_expiry, least=SHORTEST_EXPIRY, finite=True),
        _number(environment, "FROSTLINE_CHECKPOINT_SHARE", DEFAULT.checkpoint_share, least=0, finite=False),
        faults,
    )


def _number(environment: Mapping[str, str], name: str, default: float, least: float, finite: bool) -> float:
    given = environment.get(name)
    if not given:
        return default
    try:
        value = float(given)
    except ValueError:
        value = math.nan
    if not value >= least or (finite and math.isinf(value)):
        kind = "finite number" if finite else "number"
        raise SpecError(f"{name} = {shown(given)}: allowed: a {kind} of at least {least}")
    return value
