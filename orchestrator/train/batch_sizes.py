"""Images per evaluation batch: as many as a CPU's allocator and caches hold."""

from __future__ import annotations

import math

MOST_IMAGES = 1000
"""On every device, so that results do not depend on its memory."""
LEAST_IMAGES = 16
CPU_PIXELS = 2**17
"""At 32x32 a narrow DenseNet is evaluated twice as fast in batches of 128 as of 690: memory of larger tensors is mapped
again for each."""


def images_per_pass(image_size: int, on_cpu: bool = True) -> int:
    """The most images of side `image_size` in an evaluation batch."""
    return max(LEAST_IMAGES, min(MOST_IMAGES, CPU_PIXELS // image_size**2)) if on_cpu else MOST_IMAGES


def side_of_vector(length: int) -> int:
    """The side of the smallest square image that has as many pixels as a vector has entries."""
    return math.isqrt(length - 1) + 1
