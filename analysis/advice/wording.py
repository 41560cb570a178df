"""Advice in words: the same in the terminal and on the page."""

from __future__ import annotations

from collections.abc import Sequence

from analysis.advice.comparison import FEWEST_SEEDS
from analysis.advice.decide import Advice
from analysis.advice.depths import DepthAdvice, Why
from analysis.advice.more_data import MoreData, SizeStep
from analysis.advice.network import NetworkAdvice

MISSING = "-"
WHY: dict[Why, str] = {
    "double_descent": "the peak of a double descent, where as a rule the part that trains just fits the labels",
    "co_adaptation": "a peak between layers that were trained together; nothing interpolates there",
    "worse_than_scratch": "negative transfer, worse than training from scratch",
    "diverged": "runs diverged",
}
SHORT: dict[Why, str] = {
    "double_descent": "peak",
    "co_adaptation": "peak (co-adaptation)",
    "worse_than_scratch": "negative transfer",
    "diverged": "diverged",
}
AGAINST = {"better": "better", "worse": "worse", "not distinguished": "not told apart"}
HOW = (
    f"At least {FEWEST_SEEDS} seeds that all depths share are needed. Depths are compared seed by seed. A depth counts "
    "as one of the best unless it is worse than some other depth in a one-sided paired t-test, its p-value times the "
    "number of other depths at most 5 %: the truly best depth is left out with a probability of at most 5 %. The tests "
    "are of log odds of the errors, whose scatter over seeds depends little on their level. Distances to the best and "
    "to training from scratch are in points, with 95 % intervals that hold for all depths together.",
    "The lowest of several errors looks lower than it is. The error on a seed left out, at the depth that the other "
    "seeds choose, is free of the choice by seeds. It is not free of the choice by these test images, which all seeds "
    "share: on other images it may well be higher. How much images may do is said where their number stands.",
)
DEPTH_HEAD = ("frozen", "up to", "n", "test error %, 95 %", "behind the best", "against scratch", "s a run", "")
DEPTH_NUMBERS = (True, False, True, True, True, True, True, False)


def advice_lines(advice: Advice) -> list[str]:
    """All of it, a line per statement; networks are set off by their names."""
    if advice.reason is not None:
        return [f"no advice: {advice.reason}"]
    lines: list[str] = []
    for network in advice.networks:
        lines += [network.group, *(f"  {line}" for line in network_lines(network))]
    for more in advice.more_data:
        lines += [f"more target data, {more.group}", *(f"  {line}" for line in more_data_lines(more))]
    return lines


def short_text(network: NetworkAdvice) -> str:
    """`freeze 8: 6.1 % [5.0, 7.2], n = 5; not told apart: 6, 9; stay away from 5 (peak)`.

    Depths of fewer seeds than are needed are told as not compared.
    """
    if network.best is None:
        parts = [f"not enough runs: {network.reason}"]
    else:
        best = network.at(network.best)
        parts = [f"freeze {network.best}: {_error(best)}, n = {network.seeds}"]
        others = [depth for depth in network.among_best if depth != network.best]
        left_out = [depth.frozen for depth in network.depths if depth.among_best is None]
        compared = len(network.depths) - len(left_out)
        worse = f"the other {compared - 1} compared depths are worse" if left_out else "all other depths are worse"
        parts.append(f"not told apart: {_listed(others)}" if others else worse)
        parts += [f"not compared: {_listed(left_out)}"] if left_out else []
    avoided = [
        f"{depth.frozen} ({', '.join(SHORT[why] for why in depth.avoid)})" for depth in network.depths if depth.avoid
    ]
    return "; ".join([*parts, *([f"stay away from {', '.join(avoided)}"] if avoided else [])])


def network_lines(network: NetworkAdvice) -> list[str]:
    """What is to be said of one network, a sentence each."""
    best = network.at(network.best)
    lines = [f"not enough runs: {network.reason}"] if best is None else _best(network, best)
    for depth in network.depths:
        if depth.avoid:
            lines.append(f"stay away from {depth.frozen}: {_reasons(network, depth)}")
    if network.best is not None and network.peak is None:
        lines.append("no peak along frozen units is significant")
    return [*lines, *_limits(network)]


def _best(network: NetworkAdvice, best: DepthAdvice) -> list[str]:
    units = {0: "nothing", 1: "the first unit"}.get(best.frozen, f"the first {best.frozen} units")
    upto = "" if best.unit is None else f" (up to {best.unit})"
    lines = [f"freeze {units}{upto}: test error {_error(best)}, n = {network.seeds} seeds, the lowest mean"]
    others = [depth for depth in network.among_best if depth != network.best]
    compared = sum(depth.among_best is not None for depth in network.depths)
    if others:
        lines.append(f"not told apart from it: {_listed(others)} (of {compared} depths)")
    else:
        lines.append(f"each of the other {compared - 1} depths is worse, adjusted for their number")
    if network.told_apart is not None and others:
        lines.append(f"so many seeds tell apart what differs by about {_points(network.told_apart)} points")
    if network.chosen_alike is not None and network.error_left_out is not None:
        alike = round(network.chosen_alike * network.seeds)
        lines.append(
            f"without one seed in turn the same depth is chosen {alike} of {network.seeds} times; "
            f"error on the seed left out {_per_cent(network.error_left_out)} %, on the same test images"
        )
    cheapest = network.at(network.cheapest)
    if cheapest is not None and cheapest.frozen != best.frozen and best.seconds is not None:
        lines.append(
            f"of these {cheapest.frozen} trains fastest: {_seconds(cheapest)} s a run instead of {_seconds(best)} s; "
            f"its error is {_behind(cheapest)} points from the lowest"
        )
    if best.against_scratch is not None:
        lines.append(f"against training from scratch: {_scratch(best)} points, {AGAINST[best.against_scratch]}")
    elif best.scratch is None:
        lines.append("training from scratch is not in the sweep: whether transfer helps at all is not known")
    return lines


def _reasons(network: NetworkAdvice, depth: DepthAdvice) -> str:
    parts = []
    for why in depth.avoid:
        text = WHY[why]
        if why in ("double_descent", "co_adaptation"):
            at = f"train error {_per_cent(depth.train_error)} %"
            low, high = network.peak_interval or (None, None)
            between = "" if low is None or high is None or low == high else f", peak at {low:.3g} to {high:.3g} (95 %)"
            text = f"{text} ({at}{between})"
        if why == "worse_than_scratch":
            text = f"{text} by {_scratch(depth)} points"
        parts.append(text)
    behind = f"; {_behind(depth)} points behind the best" if depth.behind is not None else ""
    return "; ".join(parts) + behind


def _limits(network: NetworkAdvice) -> list[str]:
    """What the answer does not cover."""
    lines = []
    if network.untried:
        lines.append(f"not tried, next to the best: frozen = {_listed(network.untried)}")
    if network.unsettled:
        where = _listed(network.unsettled)
        lines.append(f"errors still moved after {network.budget} epochs at {where}: more training may change the order")
    if network.missing:
        lines.append(f"{network.missing} runs have no result and are not in it")
    if network.best is not None and network.image_margin is not None:
        lines.append(
            f"all depths are tested on the same {network.test_samples} images; on other images of the kind two depths "
            f"may differ by up to {_points(network.image_margin)} points more or less"
        )
    if len(network.devices) > 1:
        lines.append(f"seconds are of different devices: {', '.join(network.devices)}")
    return lines


def more_data_lines(more: MoreData) -> list[str]:
    """What happened from size to size, and what the next doubling would bring."""
    bests = [
        f"{depth if depth is not None else 'not enough runs'} at {size:,}"
        for size, depth in zip(more.sizes, more.best, strict=True)
    ]
    lines = [f"best depth by images: {', '.join(bests)}"]
    lines += [f"{_step_text(step)}: more data {step.effect.replace('_', ' ')}" for step in more.steps]
    lines += [f"{_step_text(step)}: more data hurt at this depth" for step in more.hurt]
    if more.doubling is not None and more.doubling_low is not None and more.doubling_high is not None:
        change = f"{_signed(more.doubling)} [{_signed(more.doubling_low)}, {_signed(more.doubling_high)}] points"
        lines.append(f"twice the {more.sizes[-1]:,} images, if the last step's trend went on: {change}")
    return lines


def _step_text(step: SizeStep) -> str:
    change = f"{_signed(step.change)} [{_signed(step.low)}, {_signed(step.high)}] points"
    return f"{step.smaller:,} to {step.larger:,} images at frozen = {step.frozen}: {change}, n = {step.n}"


def depth_texts(network: NetworkAdvice, depth: DepthAdvice) -> list[str]:
    """A depth under DEPTH_HEAD."""
    words = ["lowest"] if depth.frozen == network.best else ["not told apart"] if depth.among_best else []
    return [
        f"{depth.frozen}",
        depth.unit or MISSING,
        f"{depth.n}",
        _error(depth).replace(" %", ""),
        _behind(depth) if depth.behind is not None and depth.frozen != network.best else MISSING,
        _scratch(depth) if depth.scratch is not None else MISSING,
        _seconds(depth),
        ", ".join([*words, *(SHORT[why] for why in depth.avoid)]),
    ]


def _error(depth: DepthAdvice | None) -> str:
    if depth is None or depth.error is None:
        return MISSING
    between = "" if depth.low is None else f" [{_per_cent(depth.low)}, {_per_cent(depth.high)}]"
    return f"{_per_cent(depth.error)} %{between}"


def _behind(depth: DepthAdvice) -> str:
    return f"{_signed(depth.behind)} [{_signed(depth.behind_low)}, {_signed(depth.behind_high)}]"


def _scratch(depth: DepthAdvice) -> str:
    if depth.scratch_low is None:
        return _signed(depth.scratch)
    return f"{_signed(depth.scratch)} [{_signed(depth.scratch_low)}, {_signed(depth.scratch_high)}]"


def _seconds(depth: DepthAdvice) -> str:
    return (
        MISSING if depth.seconds is None else f"{depth.seconds:.2g}" if depth.seconds < 10 else f"{depth.seconds:.0f}"
    )


def _per_cent(value: float | None) -> str:
    return MISSING if value is None else f"{100 * value:.1f}"


def _signed(value: float | None) -> str:
    return MISSING if value is None else f"{100 * value:+.1f}"


def _points(value: float) -> str:
    return f"{100 * value:.1f}"


def _listed(depths: Sequence[int]) -> str:
    return ", ".join(map(str, depths))
