"""What `kernels: tuned` brings: a step and an evaluation of each family, from several cuts, beside timm's own.

    python -m benchmarks.arithmetic.kernels [--rounds 15]

One process, one thread, CPU seconds; the two kinds take turns within each round. Printed are medians, and the ratio of
their sum over an epoch: the steps of the training set, then both sets evaluated, as a run does. Random images.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
import typer
from torch import Tensor
from torch.nn.functional import cross_entropy

import architectures
from architectures import Network
from benchmarks.peers.classifier import computing
from orchestrator.train.allocator import keep_freed
from orchestrator.train.batch_sizes import images_per_pass
from sweeps.spec import Kernels, ModelSpec

KINDS: tuple[Kernels | None, ...] = (None, "tuned")
BATCH = 64


class Case(NamedTuple):
    """A network, the cuts from which it trains, and the sizes of the training set and of both sets together."""

    family: str
    depth: int
    width: int
    side: int
    cuts: tuple[int, ...]
    train: int
    both: int


CASES = (
    Case("resnet", 14, 8, 8, (0, 3, 6, 8, 10, 11, 12), 1000, 1797),
    Case("resnet", 14, 4, 8, (0,), 500, 797),
    Case("resnet", 14, 16, 8, (0, 6), 500, 797),
    Case("resnet", 18, 8, 32, (0,), 128, 128),
    Case("densenet", 10, 8, 8, (0, 2, 3), 1000, 1797),
    Case("densenet", 16, 8, 8, (0, 5), 100, 797),
    Case("densenet", 22, 12, 32, (0,), 128, 128),
    Case("vit", 2, 32, 8, (0, 1, 2), 1000, 1797),
    Case("vit", 4, 16, 8, (0, 2, 3), 100, 797),
    Case("vgg", 11, 8, 8, (0,), 500, 500),
)


class Timed:
    """One kind of a case at a cut: its network, what that reads, and CPU seconds of steps and evaluations."""

    def __init__(self, case: Case, cut: int, kernels: Kernels | None) -> None:
        model = ModelSpec(family=case.family, depth=case.depth, width=case.width, image_size=case.side)
        self.network: Network = computing(architectures.build(model, 10, 0), case.family, kernels)
        architectures.freeze(self.network, cut, "eval")
        self.cut = cut
        trained = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.SGD(trained, 0.01, 0.9, fused=True)
        samples = min(case.both, images_per_pass(case.side))
        images = torch.rand(samples, 1, case.side, case.side, generator=torch.Generator().manual_seed(0))
        with torch.no_grad():
            self.state = self.network.eval().prefix(images, cut)
        self.labels = torch.arange(BATCH) % 10
        self.steps: list[float] = []
        self.looks: list[float] = []

    def round(self) -> None:
        self.steps.append(cpu(self.step))
        self.looks.append(cpu(self.look))

    def step(self) -> None:
        self.network.train()
        batch: tuple[Tensor, ...] = tuple(tensor[torch.arange(BATCH)] for tensor in self.state)
        self.optimizer.zero_grad()
        cross_entropy(self.network.suffix(batch, self.cut), self.labels).backward()
        self.optimizer.step()

    @torch.no_grad()
    def look(self) -> None:
        self.network.eval()
        self.network.suffix(self.state, self.cut)

    def epoch(self, case: Case) -> tuple[float, float]:
        """Seconds of an epoch's steps and of its evaluation."""
        looks = statistics.median(self.looks) * case.both / len(self.state[0])
        return statistics.median(self.steps) * case.train / BATCH, looks


def cpu(run: Callable[[], None]) -> float:
    began = time.process_time()
    run()
    return time.process_time() - began


def measured(case: Case, cut: int, rounds: int) -> list[tuple[float, float]]:
    """Seconds of an epoch, of each kind."""
    kinds = [Timed(case, cut, kernels) for kernels in KINDS]
    for turn in range(rounds + 2):
        for timed in kinds:
            timed.round()
            if turn < 2:  # the first ones allocate
                timed.steps.clear()
                timed.looks.clear()
    return [timed.epoch(case) for timed in kinds]


def main(rounds: int = 15) -> None:
    torch.set_num_threads(1)
    keep_freed()
    for case in CASES:
        sums = [0.0, 0.0]
        for cut in case.cuts:
            (step, look), (tuned_step, tuned_look) = measured(case, cut, rounds)
            sums = [sums[0] + step + look, sums[1] + tuned_step + tuned_look]
            print(
                f"{case.family}{case.depth}-w{case.width} {case.side}x{case.side} frozen {cut}: "
                f"steps {tuned_step / step:.2f}, evaluation {tuned_look / look:.2f}, epoch "
                f"{(tuned_step + tuned_look) / (step + look):.2f} of {1000 * (step + look):.1f} ms",
                flush=True,
            )
        print(f"  all cuts together: {sums[1] / sums[0]:.3f}", flush=True)


if __name__ == "__main__":
    typer.run(main)
