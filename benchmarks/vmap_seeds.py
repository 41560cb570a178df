"""Seeds of the same shape trained in one batched program (torch.func) against a program for each, on the CPU.

    python -m benchmarks.vmap_seeds

The seeds' weights are stacked; `vmap` over `functional_call` makes one program of them: convolutions become grouped,
matrix products batched. Each seed has its own images, labels, statistics of norms and Adam moments. 8x8 images, batch
64, as in the sweeps of the catalog. Two comparisons, in which ways take turns and a ratio is taken within a round:

- one core, against one seed after the other, in CPU seconds: what a worker gains while other cores have their own runs;
- all cores, one program with a thread per core against a process per core that takes its share of the seeds, in wall
  seconds: on a machine that does something else as well, threads that wait for each other lose most.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from typing import Annotated, NamedTuple

import torch
import typer
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.nn.functional import cross_entropy

import architectures
from architectures import Network
from benchmarks.gpu.setting import CLASSES, machine, spread
from sweeps.spec import ModelSpec

NETWORKS: dict[str, ModelSpec] = {
    **{f"resnet14 k={k}": ModelSpec(family="resnet", depth=14, width=k) for k in (4, 8, 16, 32)},
    **{f"densenet16 k={k}": ModelSpec(family="densenet", depth=16, width=k) for k in (4, 8, 16)},
    **{f"vit 4x{k}": ModelSpec(family="vit", depth=4, width=k) for k in (16, 32, 64)},
}
LEARNING_RATE = 1e-3


class Batches(NamedTuple):
    """images (steps, seeds, N, 1, 8, 8) and labels (steps, seeds, N), each seed with its own."""

    images: Tensor
    labels: Tensor


class Trained(NamedTuple):
    """CPU and wall seconds of all steps; each seed's loss on its last batch in evaluation mode, float64 (seeds,)."""

    cpu: float
    wall: float
    losses: Tensor


def batches(model: ModelSpec, seeds: int, steps: int, size: int) -> Batches:
    generator = torch.Generator().manual_seed(0)
    labels = torch.randint(CLASSES, (steps, seeds, size), generator=generator)
    images = torch.randn(steps, seeds, size, 1, model.image_size, model.image_size, generator=generator)
    # A class shows in the mean, so that there is something to learn and wrong statistics would be seen.
    return Batches(images + labels[..., None, None, None] / CLASSES, labels)


def networks(model: ModelSpec, seeds: int) -> list[Network]:
    return [architectures.build(model, CLASSES, seed) for seed in range(seeds)]


def serial(model: ModelSpec, given: Batches) -> Trained:
    """One seed after the other, each as a run trains it."""
    ready = networks(model, given.labels.shape[1])
    optimizers = [torch.optim.Adam(network.parameters(), LEARNING_RATE, fused=True) for network in ready]
    began = _now()
    for seed, (network, optimizer) in enumerate(zip(ready, optimizers, strict=True)):
        for images, labels in zip(given.images[:, seed], given.labels[:, seed], strict=True):
            optimizer.zero_grad()
            cross_entropy(network(images), labels).backward()
            optimizer.step()
    seconds = _since(began)
    return Trained(*seconds, torch.stack([_loss(network.eval(), given, seed) for seed, network in enumerate(ready)]))


def batched(model: ModelSpec, given: Batches) -> Trained:
    """All seeds in one program."""
    ready = networks(model, given.labels.shape[1])
    parameters, buffers = stack_module_state(list[nn.Module](ready))
    skeleton = architectures.build(model, CLASSES, 0)
    optimizer = torch.optim.Adam(parameters.values(), LEARNING_RATE, fused=True)

    def loss(weights: dict[str, Tensor], statistics: dict[str, Tensor], images: Tensor, labels: Tensor) -> Tensor:
        return cross_entropy(functional_call(skeleton, (weights, statistics), (images,)), labels)

    each = torch.vmap(loss, randomness="error")
    began = _now()
    for images, labels in zip(given.images, given.labels, strict=True):
        optimizer.zero_grad()
        # The sum's gradient with respect to a seed's weights is that of its own loss.
        with sdpa_kernel(SDPBackend.MATH):  # the fused kernel has no batching rule: it would run seed by seed
            each(parameters, buffers, images, labels).sum().backward()
        optimizer.step()
    seconds = _since(began)
    for seed, network in enumerate(ready):
        state = {name: tensor[seed].detach() for name, tensor in (parameters | buffers).items()}
        network.load_state_dict({name.removeprefix("net."): tensor for name, tensor in state.items()})
    return Trained(*seconds, torch.stack([_loss(network.eval(), given, seed) for seed, network in enumerate(ready)]))


def _now() -> tuple[float, float]:
    return time.process_time(), time.perf_counter()


def _since(began: tuple[float, float]) -> tuple[float, float]:
    cpu, wall = _now()
    return cpu - began[0], wall - began[1]


@torch.no_grad()
def _loss(network: nn.Module, given: Batches, seed: int) -> Tensor:
    return cross_entropy(network(given.images[-1, seed]).double(), given.labels[-1, seed])


class Compared(NamedTuple):
    """Serial over batched CPU seconds, by round; the largest relative difference of a seed's final loss."""

    ratios: list[float]
    difference: float


def compare(model: ModelSpec, seeds: int, steps: int, size: int, rounds: int) -> Compared:
    """Train both ways in turns. The first round of each is a warm-up and is left out."""
    given = batches(model, seeds, steps, size)
    ways: list[Callable[[ModelSpec, Batches], Trained]] = [serial, batched]
    ratios, difference = [], 0.0
    for number in range(rounds + 1):
        found = {way: way(model, given) for way in (ways if number % 2 else ways[::-1])}
        apart = (found[batched].losses / found[serial].losses - 1).abs().max()
        difference = max(difference, float(apart))
        if number:
            ratios.append(found[serial].cpu / found[batched].cpu)
    return Compared(ratios, difference)


def compare_on_all_cores(model: ModelSpec, seeds: int, steps: int, size: int, rounds: int) -> list[float]:
    """Wall seconds of a process per core over those of one batched program with a thread per core, by round."""
    cores = os.cpu_count() or 1
    shares = [len(range(core, seeds, cores)) for core in range(cores)]
    given, ratios = batches(model, seeds, steps, size), []
    with ProcessPoolExecutor(cores, multiprocessing.get_context("spawn")) as pool:
        for number in range(rounds + 1):
            spans = list(
                pool.map(_share, *zip(*((model, share, steps, size) for share in shares if share), strict=True))
            )
            apart = max(end for _, end in spans) - min(begin for begin, _ in spans)
            torch.set_num_threads(cores)
            together = batched(model, given).wall
            torch.set_num_threads(1)
            if number:
                ratios.append(apart / together)
    return ratios


def _share(model: ModelSpec, seeds: int, steps: int, size: int) -> tuple[float, float]:
    """Train some seeds in this process, one after the other; when it began and ended (one clock for all processes)."""
    torch.set_num_threads(1)
    wall = serial(model, batches(model, seeds, steps, size)).wall
    return (end := time.perf_counter()) - wall, end


def line() -> str:
    """For `make bench`: the narrowest network of each family."""
    torch.set_num_threads(1)
    parts = [
        f"{name} {spread(compare(NETWORKS[name], 4, 10, 64, 3).ratios, '.2f', 'x')}"
        for name in ("resnet14 k=4", "densenet16 k=4", "vit 4x16")
    ]
    return f"4 seeds in one batched program, one core: {', '.join(parts)} of one after the other"


def main(
    rounds: Annotated[int, typer.Option(min=1)] = 7,
    steps: Annotated[int, typer.Option(min=1)] = 10,
    seeds: Annotated[int, typer.Option(min=2)] = 4,
    all_cores: Annotated[bool, typer.Option(help="against a process per core as well")] = True,
    network: Annotated[list[str] | None, typer.Option(help="a network's name; repeatable; default all")] = None,
) -> None:
    torch.set_num_threads(1)
    print(machine("cpu"), flush=True)
    for name in network or NETWORKS:
        one_core = compare(NETWORKS[name], seeds, steps, 64, rounds)
        text = f"{name}, {seeds} seeds: one core {spread(one_core.ratios, '.2f', 'x')}"
        if all_cores:
            text += f", all cores {spread(compare_on_all_cores(NETWORKS[name], seeds, steps, 64, rounds), '.2f', 'x')}"
        print(f"{text}; final losses differ by {one_core.difference:.1e}", flush=True)


if __name__ == "__main__":
    typer.run(main)
