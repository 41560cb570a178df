"""The forward pass of a network as a list of calls, whole blocks being one call each (torch.fx)."""

from __future__ import annotations

import operator
from collections.abc import Collection, Mapping
from typing import Any

import torch
from torch import Tensor, fx, nn

from architectures.families.from_timm.calls import INPUT, OUTPUT, Call, Value, carry_out, groups_below, mapped, same

TRACED = 2
"""Images in the batch that is traced."""


def traced_calls(net: nn.Module, groups: Mapping[str, int], image: Tensor) -> list[Call]:
    """The calls of `net(images)` in order, the last named OUTPUT. A module with parameters of one group is one call.

    image: a batch of one, (1, channels, S, S): decisions that the forward pass takes by sizes are those for it. A
    module that cannot be traced is one call too. The network is to be in evaluation mode. Raises ValueError where the
    outermost forward cannot be traced.
    """
    whole: set[str] = set()
    while True:
        tracer = _Tracer(net, groups, whole, image.expand(TRACED, -1, -1, -1))
        try:
            return _calls(tracer.trace(_Outermost(net)))
        except Exception as problem:  # whatever Python says of a value that is not there yet
            if tracer.failed is None or tracer.failed in whole:
                text = " ".join(str(problem).split())[:120]
                raise ValueError(f"its forward pass cannot be traced ({text})") from None
            whole.add(tracer.failed)


class _Outermost(nn.Module):
    """Calls the network on images alone, so that its other arguments have their defaults."""

    def __init__(self, net: nn.Module) -> None:
        super().__init__()
        self.net = net

    def forward(self, images: Tensor) -> Tensor:
        return self.net(images)


class _Traced(fx.Proxy):
    """A value of the trace, which knows what it is for the images that are traced.

    Of a tensor's sizes the batch's stays a value of the trace, and all others are plain numbers.
    """

    example: Any = None

    def __getitem__(self, place: Any) -> fx.Proxy:
        return self.tracer.create_proxy("call_function", operator.getitem, (self, place), {})

    def __getattr__(self, name: str) -> Any:
        known = getattr(self.example, name)
        if callable(known):
            return super().__getattr__(name)
        return self._attribute(name) if isinstance(known, Tensor) else known

    def __iter__(self) -> Any:
        known = self.example
        return iter([self[i] for i in range(len(known))]) if isinstance(known, tuple | list) else super().__iter__()

    @property
    def shape(self) -> Any:
        sizes = tuple(self.example.shape)
        return (self._attribute("shape")[0], *sizes[1:]) if sizes[:1] == (TRACED,) else sizes

    def size(self, dim: int | None = None) -> Any:
        return self.shape if dim is None else self.shape[dim]

    def _attribute(self, name: str) -> _Traced:
        made = self.tracer.create_proxy("call_function", getattr, (self, name), {})
        assert isinstance(made, _Traced)
        return made


class _Tracer(fx.Tracer):
    """torch.fx's tracer, carrying out each call on the way, so that sizes and what is decided by them are known."""

    def __init__(self, net: nn.Module, groups: Mapping[str, int], whole: Collection[str], images: Tensor) -> None:
        super().__init__()
        self._net = net
        self._groups = groups
        self._whole = whole
        self._images = images
        self._carrying = False
        """Whether a call is being carried out: torch.fx then looks at nothing."""
        self.failed: str | None = None
        """Path of the innermost module whose forward could not be traced."""

    def proxy(self, node: fx.Node) -> fx.Proxy:
        return _Traced(node, self)

    @torch.no_grad()
    def create_proxy(self, kind: str, target: Any, args: Any, kwargs: Any, *rest: Any, **more: Any) -> fx.Proxy:
        made = super().create_proxy(kind, target, args, kwargs, *rest, **more)
        assert isinstance(made, _Traced)
        if kind == "placeholder":
            made.example = self._images
        elif kind != "output":
            path = target.removeprefix("net.") if kind in ("call_module", "get_attr") else target
            examples = mapped((args, kwargs), fx.Proxy, lambda proxy: proxy.example)
            self._carrying = True
            try:
                made.example = carry_out(self._net, kind, path, *examples)
            finally:
                self._carrying = False
        return made

    def getattr(self, attr: str, attr_val: Any, parameter_proxy_cache: dict[str, Any]) -> Any:
        return attr_val if self._carrying else super().getattr(attr, attr_val, parameter_proxy_cache)

    def to_bool(self, obj: fx.Proxy) -> bool:
        example = getattr(obj, "example", None)
        return super().to_bool(obj) if example is None or isinstance(example, Tensor) else bool(example)

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        path = module_qualified_name.removeprefix("net").removeprefix(".")
        return bool(path) and (path in self._whole or len(groups_below(self._groups, path)) < 2)

    def call_module(self, m: nn.Module, forward: Any, args: Any, kwargs: Any) -> Any:
        if self._carrying:
            return forward(*args, **kwargs)
        try:
            return super().call_module(m, forward, args, kwargs)
        except Exception:
            path = self.path_of_module(m).removeprefix("net").removeprefix(".")
            if self.failed is None and path:
                self.failed = path
            raise


def _calls(graph: fx.Graph) -> list[Call]:
    named: dict[fx.Node, str] = {}
    calls: list[Call] = []
    for node in graph.nodes:
        if node.op == "placeholder":
            named[node] = INPUT
        elif node.op == "output":
            (result,) = node.args
            if not isinstance(result, fx.Node):
                raise ValueError("its forward pass does not end in one tensor")
            calls.append(Call(OUTPUT, "call_function", same, (Value(named[result]),), ()))
        else:
            named[node] = node.name
            target = node.target.removeprefix("net.") if node.op in ("call_module", "get_attr") else node.target
            arguments, keywords = _plain(node.args, named), _plain(tuple(node.kwargs.items()), named)
            calls.append(Call(node.name, node.op, target, arguments, keywords))
    return calls


def _plain(value: Any, named: Mapping[fx.Node, str]) -> Any:
    """Arguments without nodes of the graph, which a copied network would copy as a whole."""
    return mapped(value, fx.Node, lambda node: Value(named[node]))
