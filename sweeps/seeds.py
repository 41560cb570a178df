"""One named random stream per purpose.

A generator shared between two purposes couples them: drawing "which samples" and "which labels flip" from one stream
has turned 10 % label noise into 100 % in published code. Streams here are told apart by name and cannot meet.
"""

from __future__ import annotations

import hashlib
from typing import Literal

Purpose = Literal["split", "subset", "render", "label_noise", "init", "order", "augment", "inherit"]
Role = Literal["source", "target", "test"]


def seed_for(seed: int, role: Role, purpose: Purpose, index: int = 0) -> int:
    """A 63-bit seed for one stream of a run; `index` counts within it (an epoch, say).

    `seed` is the run's own seed; 0 is as good as any other.
    """
    text = f"frostline/{seed}/{role}/{purpose}/{index}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
