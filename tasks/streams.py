"""A NumPy generator for each named random stream.

All randomness of the data is drawn on the CPU and then moved, so that every device sees the same samples, labels, order
and crops. NumPy's generators take the whole 63-bit seed; torch's CPU generator keeps only 32 bits of it.
"""

from __future__ import annotations

from numpy.random import PCG64, Generator

from sweeps.seeds import Purpose, Role, seed_for


def stream(seed: int, role: Role, purpose: Purpose, index: int = 0) -> Generator:
    """The generator of one purpose. A short draw is a prefix of a longer one, whatever other streams have drawn."""
    return Generator(PCG64(seed_for(seed, role, purpose, index)))
