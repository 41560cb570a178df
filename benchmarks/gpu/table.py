"""The table: training speed of the product against a hand-tuned loop and plain Lightning, alone and packed.

ResNet18 of width 4, 16 and 64, DenseNet-BC-100 of growth 12 and a ViT of six blocks of width 256, 32x32 pixels, batch
128, synthetic images in the shape of CIFAR-10. A rate is training images per second, the first epoch left out,
evaluation of the whole train and test sets after each epoch included. Rivals take turns, in an order that moves on
each round; a ratio is taken within a round and given as median (least-most, n). Packed runs are processes, each capped
at its share of the memory.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Annotated, cast

import torch
import typer

from benchmarks.gpu.bare import bare, bare_deterministic, compiled, graphed
from benchmarks.gpu.packed import DoesNotFit, aggregate
from benchmarks.gpu.peak import epoch_flops, peak
from benchmarks.gpu.plain import plain
from benchmarks.gpu.product import product
from benchmarks.gpu.setting import NETWORKS, TINY, Setting, Timing, machine, rate, spread, tiny
from orchestrator.train.device import Precision

RIVALS: dict[str, Callable[[Setting], Timing]] = {
    "bare loop": bare,
    "bare loop, deterministic": bare_deterministic,
    "plain Lightning + DataLoader": plain,
}
CANDIDATES: dict[str, Callable[[Setting], Timing]] = {
    "bare loop + CUDA graph": graphed,
    "bare loop + compile": compiled,
}
"""Not in the product: what they would bring is to be seen on a GPU first."""


@dataclass
class Measured:
    """Images per second by rival and round, in step with each other; final train losses; what failed, and why."""

    rates: dict[str, list[float]] = field(default_factory=dict)
    losses: dict[str, float] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)

    def ratios(self, rival: str) -> list[float]:
        """The product's rate over the rival's, round by round."""
        return [ours / theirs for ours, theirs in zip(self.rates["product"], self.rates[rival], strict=True)]


def measure(setting: Setting, rivals: dict[str, Callable[[Setting], Timing]], rounds: int) -> Measured:
    """The product and its rivals, side by side. A rival that fails is noted and left out; the product may not."""
    measured, order = Measured(), ["product", *rivals]
    for number in range(rounds):
        for name in order[number % len(order) :] + order[: number % len(order)]:
            if name in measured.failed:
                continue
            try:
                timing = product(setting) if name == "product" else rivals[name](setting)
            except Exception as problem:
                if name == "product":
                    raise
                measured.failed[name] = f"{type(problem).__name__}: {' '.join(str(problem).split())[:200]}"
                measured.rates.pop(name, None)
                continue
            measured.rates.setdefault(name, []).append(rate(setting, timing))
            measured.losses[name] = timing.train_loss
    return measured


def packed(setting: Setting, counts: list[int], rounds: int) -> dict[int, list[float] | str]:
    """Aggregate images per second by number of concurrent runs, round by round, or why it failed."""
    found: dict[int, list[float] | str] = {}
    for _ in range(rounds):
        for count in counts:
            sofar = found.setdefault(count, [])
            if isinstance(sofar, str):
                continue
            try:
                sofar.append(aggregate(setting, count))
            except DoesNotFit as problem:
                found[count] = str(problem)
    return found


def report(name: str, setting: Setting, measured: Measured, peak_flops: float) -> str:
    """A few lines on one network."""
    rates = measured.rates["product"]
    used = [value / setting.train * epoch_flops(setting) / peak_flops for value in rates]
    lines = [
        f"{name}, {setting.precision}, batch {setting.batch}: {spread(rates, ',.0f', ' images/s')}, "
        f"{spread([100 * share for share in used], '.1f', ' %')} of the matrix peak ({peak_flops / 1e12:.2f} TFLOP/s)"
    ]
    for rival in (rival for rival in measured.rates if rival != "product"):
        difference = abs(measured.losses[rival] / measured.losses["product"] - 1)
        lines.append(
            f"    against {rival}: {spread(measured.ratios(rival), '.2f', 'x')}; train loss differs by {difference:.1e}"
        )
    lines += [f"    {rival} failed: {why}" for rival, why in measured.failed.items()]
    return "\n".join(lines)


def packed_line(found: dict[int, list[float] | str]) -> str:
    """`packed: 1: 100 images/s (...); 2: 1.9x (...)`: each round's aggregate over that round's single run."""
    single = found.get(1)
    parts: list[str] = []
    for count, rates in found.items():
        if isinstance(rates, str):
            parts.append(f"{count}: failed: {rates}")
        elif count == 1 or not isinstance(single, list):
            parts.append(f"{count}: {spread(rates, ',.0f', ' images/s')}")
        else:
            ratios = [together / alone for together, alone in zip(rates, single, strict=True)]
            parts.append(f"{count}: {spread(ratios, '.2f', 'x')}")
    return "    packed, all runs together: " + "; ".join(parts)


def line() -> str:
    """For `make bench`: the smallest network at full image size, on a GPU where there is one, else on one CPU core."""
    model = NETWORKS["resnet18 k=4"]
    if torch.cuda.is_available():
        setting, where = Setting(model, "cuda", "tf32"), "GPU"
    else:
        setting = Setting(model, train=512, test=128, epochs=3)
        where = "one CPU core, no GPU seen"
    measured = measure(setting, {name: RIVALS[name] for name in ("bare loop", "plain Lightning + DataLoader")}, 3)
    parts = [f"{spread(measured.ratios(rival), '.2f', 'x')} of {rival}" for rival in RIVALS if rival in measured.rates]
    return f"one run, ResNet18 k=4 at 32x32 ({where}): {', '.join(parts)}"


def main(
    device: Annotated[str, typer.Option(help="cuda, cuda:1, ... or cpu")] = "cuda",
    small: Annotated[bool, typer.Option("--tiny", help="tiny networks and data, one round: a rehearsal")] = False,
    network: Annotated[list[str] | None, typer.Option(help="a network's name; repeatable; default all")] = None,
    precision: Annotated[list[str] | None, typer.Option(help="float32, tf32 or bf16; repeatable")] = None,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    packed_rounds: Annotated[int, typer.Option(min=0, help="0 leaves packing out")] = 3,
    candidates: Annotated[bool, typer.Option(help="CUDA graph and torch.compile as well")] = True,
) -> None:
    known = TINY if small else NETWORKS
    wrong = [name for name in network or () if name not in known]
    unknown = [name for name in precision or () if name not in ("float32", "tf32", "bf16")]
    if wrong or unknown:
        allowed = f"--network {', '.join(known)}; --precision float32, tf32, bf16"
        sys.exit(f"error: {', '.join(wrong + unknown)}: allowed {allowed}")
    if device.startswith("cuda") and not torch.cuda.is_available():
        sys.exit("error: --device cuda: no CUDA device is seen; --device cpu --tiny rehearses")
    print(machine(device), flush=True)
    rivals = RIVALS | (CANDIDATES if candidates else {})
    counts = [1, 2] if small else [1, 2, 4, 8]
    for name in network or known:
        for kind in precision or (["float32"] if device == "cpu" else ["tf32", "bf16"]):
            setting = Setting(known[name], device, cast(Precision, kind))
            setting = tiny(setting) if small else setting
            top = peak(setting, 256 if small else 8192 if setting.on_cuda else 1024)
            print(report(name, setting, measure(setting, rivals, 1 if small else rounds), top), flush=True)
            if packed_rounds:
                print(packed_line(packed(setting, counts, 1 if small else packed_rounds)), flush=True)
