"""Which way partial transfer goes in the signal-and-noise system, before anything is trained.

A heuristic of this project, and no theorem of Yuan et al. (arXiv:2509.22056), whose conditions it resembles. A network
memorises noise where that is cheaper than learning a signal. With a share a of its filters inherited,

    G(a) = (a A + B)^2 / (a^2 C + D),   A = N1 |u|^2 / (s1^2 d),   B = N2 (|u|^2 + |v2|^2) / (s2^2 d),
                                        C = s2^2 N1 / (s1^2 d),    D = N2 / d

is the signal that upstream and downstream samples teach over the noise that they leave; G(0) is that of training from
scratch. N1, N2: samples of source and target; s1, s2: their noise; |u|^2, |v2|^2: strength of the shared signal and of
the target's own; d: entries of a patch. G(a) below G(0) predicts negative transfer.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from sweeps.language.task_text import dataset_of

TASK = "signal_noise"


def predicted_gain(
    share: float,
    source_size: float,
    target_size: float,
    shared: float,
    specific: float,
    source_noise: float,
    target_noise: float,
    dimension: float,
) -> float:
    """G(share) / G(0): above 1 transfer is predicted to help, below 1 to harm. shared, specific: |u|^2, |v2|^2.

    NaN without noise, or where nothing tells the classes of the target apart.

    Example: `predicted_gain(0.5, 200, 30, 0.8, 5.2, 0.5, 1.0, 1000)` is 1.0 within a hundredth: with 200 source and 30
    target samples the two meet at a shared strength of about 0.8.
    """
    if not source_noise > 0 or not target_noise > 0 or not shared + specific > 0:
        return math.nan
    upstream = source_size * shared / (source_noise**2 * dimension)
    downstream = target_size * (shared + specific) / (target_noise**2 * dimension)
    left = target_noise**2 * source_size / (source_noise**2 * dimension)
    own = target_size / dimension
    return (share * upstream + downstream) ** 2 / (share**2 * left + own) / (downstream**2 / own)


def gain_of_fields(fields: Mapping[str, Any]) -> float:
    """The same of a run's fields by dotted name; NaN where source and target are not both of this system.

    All is inherited where `transfer.inherit` says nothing. With strengths of the shared signal that differ between
    source and target it is the source's that is passed on.
    """
    tasks = [fields.get(name) for name in ("source.task", "target.task")]
    if any(not isinstance(task, str) or dataset_of(task) != TASK for task in tasks):
        return math.nan
    if fields.get("transfer.inherit.mode") not in (None, "random_share"):
        return math.nan
    share = fields.get("transfer.inherit.share")
    shared = float(fields["source.task.universal"])
    return predicted_gain(
        1.0 if share is None else float(share),
        float(fields["source.size"]),
        float(fields["target.size"]),
        shared,
        float(fields["target.task.universal"]) + float(fields["target.task.specific"]) - shared,
        float(fields["source.task.noise"]),
        float(fields["target.task.noise"]),
        float(fields["target.task.dimension"]),
    )
