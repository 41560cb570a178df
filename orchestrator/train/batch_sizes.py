"""Images per evaluation batch: large, but no larger than what a CPU's allocator and caches hold."""

from __future__ import annotations

from collections.abc import Iterator

MOST_IMAGES = 1000
"""Whatever the device, so that results do not depend on its memory."""
LEAST_IMAGES = 16
CPU_PIXELS = 2**17
"""At 32x32 a narrow DenseNet is evaluated twice as fast by 128 as by 690: larger tensors are each mapped anew."""


def images_per_pass(image_size: int, on_cpu: bool = True) -> int:
    """The most images of side `image_size` in an evaluation batch."""
    return max(LEAST_IMAGES, min(MOST_IMAGES, CPU_PIXELS // image_size**2)) if on_cpu else MOST_IMAGES


def passes(samples: int, most: int) -> Iterator[slice]:
    """Slices of at most `most` samples, as few and as equal as can be: none of a few samples beside large ones."""
    number = -(-samples // most)
    for i in range(number):
        yield slice(i * samples // number, (i + 1) * samples // number)
