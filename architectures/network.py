"""A network that knows its ladder, how much of it is frozen, and how to run from any cut."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from architectures.families.ladder import State, Unit, is_exact, stays
from sweeps.spec import FrozenNorm

if TYPE_CHECKING:
    from architectures.masks import Entries, Mask


class Network(nn.Module):
    """A module `net`, timm's own in most families, with its ladder `units`, of which the first `frozen` do not train,
    nor those at the places `still`.

    `state_dict()` holds tensors alone under the module's own names, without prefix: it loads into timm's module as
    well as into a Network of the same ModelSpec. (`named_parameters()` has `net.` before each name.)
    """

    def __init__(self, net: nn.Module, units: tuple[Unit, ...]) -> None:
        super().__init__()
        self.net = net
        self.units = units
        self.frozen = 0
        self.still: tuple[int, ...] = ()
        self.frozen_norm: FrozenNorm = "eval"
        self.inherited: Mask | None = None
        """What was inherited (architectures/inheritance.py)."""
        self.held: dict[str, Entries] = {}
        """Entries of parameters that train which keep what was inherited all the same (`freeze`)."""
        self._all = tuple(self.modules())
        self._frozen_norms: tuple[tuple[int, ...], list[nn.Module]] = (0,), []
        self.register_state_dict_post_hook(_drop_prefix)
        self.register_load_state_dict_pre_hook(_add_prefix)

    @property
    def head(self) -> nn.Linear:
        """The classifier, where the ladder's last unit is one linear layer. Raises ValueError where it is not."""
        owned = self.units[-1].owns
        head = self.net.get_submodule(owned[0]) if len(owned) == 1 else None
        if not isinstance(head, nn.Linear):
            raise ValueError(f"the head of this network ({', '.join(owned)}) is not one linear layer")
        return head

    def forward(self, x: Tensor) -> Tensor:
        """Images (N, channels, S, S) to logits (N, classes), by the module's own forward.

        Needs no `no_grad` for a frozen prefix: neither images nor frozen weights require gradients, so
        autograd records and stores nothing there.
        """
        return self.net(x)

    def prefix(self, x: Tensor, cut: int) -> State:
        """Activations after the first `cut` units; `(x,)` for cut 0. Each tensor's first axis is the batch's.

        Raises ValueError if `cut` is not in 0..L-1.
        """
        self._check_cut(cut)
        state: State = (x,)
        for unit in self.units[:cut]:
            state = unit.step(self.net, state)
        return state

    def suffix(self, state: State, cut: int) -> Tensor:
        """Logits (N, classes) from the activations after the first `cut` units, which stay unchanged.

        `suffix(prefix(x, cut), cut)` equals `net(x)` to the bit. Raises ValueError if `cut` is not in 0..L-1.
        """
        self._check_cut(cut)
        for unit in self.units[cut:]:
            state = unit.step(self.net, state)
        (logits,) = state
        return logits

    def train(self, mode: bool = True) -> Network:
        """Set training mode, except for frozen norms that are to keep their statistics.

        As `nn.Module.train`, in a tenth of the time, which a small network has twice an epoch: the walk over all
        modules is done once, and their flags are set past `nn.Module.__setattr__`.
        """
        for module in self._all:
            module.__dict__["training"] = mode
        if self.frozen_norm == "eval":
            which = (self.frozen, *self.still)
            if self._frozen_norms[0] != which:
                norms = [norm for unit in self.frozen_units() for norm in unit.norms(self.net)]
                self._frozen_norms = which, [part for norm in norms for part in norm.modules()]
            for part in self._frozen_norms[1]:
                part.__dict__["training"] = False
        return self

    def frozen_units(self) -> list[Unit]:
        """Those that do not train: the first `frozen`, and the later ones at the places `still`."""
        return [*self.units[: self.frozen], *(self.units[place] for place in self.still)]

    def exact_prefix(self) -> bool:
        """Whether the frozen prefix can be computed once: it stays (`prefix_stays`), and each unit runs by itself.

        True up to rounding: libraries may choose another kernel for another batch size. A caller that computes the
        prefix once has to compare batches of the sizes in use on its machine first.
        """
        return is_exact(self.units[: self.frozen], self.frozen_norm)

    def prefix_stays(self) -> bool:
        """Whether the frozen prefix gives the same activations for an image at every step of training."""
        return stays(self.units[: self.frozen], self.frozen_norm)

    def _check_cut(self, cut: int) -> None:
        if not 0 <= cut < len(self.units):
            raise ValueError(f"cut = {cut}: allowed 0 to {len(self.units) - 1}")


def _drop_prefix(module: nn.Module, state: dict[str, Any], prefix: str, metadata: dict[str, Any]) -> None:
    inner = f"{prefix}net."
    for key in [key for key in state if key.startswith(inner)]:
        state[prefix + key.removeprefix(inner)] = state.pop(key)


def _add_prefix(module: nn.Module, state: dict[str, Any], prefix: str, *_: Any) -> None:
    for key in [key for key in state if key.startswith(prefix)]:
        state[f"{prefix}net.{key.removeprefix(prefix)}"] = state.pop(key)
