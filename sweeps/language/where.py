"""The filter of a sweep: a small expression over a run's fields, walked and never evaluated as code.

Allowed: dotted field names, numbers, text, true/false/none, lists, comparisons, `in`, `and`, `or`, `not`, + - * / %.
"""

from __future__ import annotations

import ast
import operator
import warnings
from collections.abc import Callable, Collection, Mapping
from typing import Any

from sweeps.errors import SpecError, shown, suggestion

LONGEST = 2000

_COMPARE: dict[type[ast.cmpop], Callable[[Any, Any], Any]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.In: lambda item, group: item in group,
    ast.NotIn: lambda item, group: item not in group,
}
_ARITHMETIC: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}
_WORDS = {"true": True, "false": False, "none": None, "null": None}


class Filter:
    """A parsed `where`. Call it with a run's fields, flattened with dots; it says whether the run stays.

    `known` are the names it may speak of. All of it is checked at once, also what no run may come to: a misspelt
    field behind an `or` is an error and not silence. `canonical` gives, for some fields, the one spelling of a value:
    text that such a field is compared with (`==`, `!=`, `in` a list) is brought to it, or refused with its ValueError.
    """

    def __init__(
        self, text: str, known: Collection[str], canonical: Mapping[str, Callable[[str], str]] | None = None
    ) -> None:
        if len(text) > LONGEST:
            raise SpecError(f"where: {len(text)} characters; allowed: at most {LONGEST}")
        self.text = text
        self._names: dict[ast.expr, str] = {}
        self._canonical = canonical or {}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # Python only warns of `1or 2` and of "\\d"
                self._tree = ast.parse(text.strip(), mode="eval").body
            self._check(self._tree, known)
        except SpecError:
            raise
        except (SyntaxError, ValueError, RecursionError, MemoryError, Warning):
            raise self._wrong("not an expression such as 'transfer.frozen > 0'") from None

    def __call__(self, fields: Mapping[str, Any]) -> bool:
        try:
            kept = self._value(self._tree, fields)
        except RecursionError:
            raise self._wrong("nested too deeply") from None
        except (TypeError, ZeroDivisionError, OverflowError) as problem:
            raise self._wrong(str(problem)) from None
        if not isinstance(kept, bool):
            raise self._wrong(f"gives {shown(kept)}; it must be true or false for every run")
        return kept

    def _wrong(self, why: str) -> SpecError:
        return SpecError(f"where = {shown(self.text)}: {why}")

    def _check(self, node: ast.expr, known: Collection[str]) -> None:
        """Raise SpecError at what is not in the language."""
        match node:
            case ast.Name() | ast.Attribute():
                name = self._names[node] = ast.unparse(node)
                if name not in known and name.lower() not in _WORDS:
                    raise self._wrong(f"unknown field {shown(name)}{suggestion(name, known)}")
                return
            case ast.Compare(ops=ops) if not all(type(op) in _COMPARE for op in ops):
                raise self._wrong("'is' is not allowed; use == or in")
            case ast.Constant(value=bool() | int() | float() | str() | None):
                pass
            case ast.List() | ast.Tuple() | ast.BoolOp() | ast.Compare() | ast.UnaryOp(op=ast.Not() | ast.USub()):
                pass
            case ast.BinOp(op=op) if type(op) in _ARITHMETIC:
                pass
            case _:
                raise self._wrong(f"{shown(ast.unparse(node))} is not allowed here")
        for part in ast.iter_child_nodes(node):
            if isinstance(part, ast.expr):
                self._check(part, known)
        if isinstance(node, ast.Compare):
            self._respell(node)

    def _respell(self, node: ast.Compare) -> None:
        """Bring text that a field is compared with to the field's own spelling."""
        operands = [node.left, *node.comparators]
        for left, op, right in zip(operands, node.ops, operands[1:], strict=False):
            if isinstance(op, ast.Eq | ast.NotEq):
                compared = [(left, [right]), (right, [left])]
            elif isinstance(right, ast.List | ast.Tuple):
                compared = [(left, right.elts)]
            else:
                continue
            for field, others in compared:
                spelling = self._canonical.get(self._names.get(field, ""))
                for value in others:
                    if spelling and isinstance(value, ast.Constant) and isinstance(value.value, str):
                        value.value = self._respelt(value.value, spelling)

    def _respelt(self, text: str, spelling: Callable[[str], str]) -> str:
        try:
            return spelling(text)
        except ValueError as problem:
            raise self._wrong(str(problem)) from None

    def _value(self, node: ast.expr, fields: Mapping[str, Any]) -> Any:
        match node:
            case ast.Constant(value=bool() | int() | float() | str() | None as value):
                return value
            case ast.Name() | ast.Attribute():
                return self._field(self._names[node], fields)
            case ast.List(elts=items) | ast.Tuple(elts=items):
                return [self._value(item, fields) for item in items]
            case ast.BoolOp(op=op, values=parts):
                rule = all if isinstance(op, ast.And) else any
                return rule(self._truth(part, fields) for part in parts)
            case ast.UnaryOp(op=ast.Not(), operand=part):
                return not self._truth(part, fields)
            case ast.UnaryOp(op=ast.USub(), operand=part):
                return -self._number(part, fields)
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _ARITHMETIC:
                return _ARITHMETIC[type(op)](self._number(left, fields), self._number(right, fields))
            case ast.Compare(left=left, ops=ops, comparators=others):
                return self._compared(left, ops, others, fields)
        raise AssertionError(ast.dump(node))  # _check lets nothing else through

    def _compared(
        self, left: ast.expr, ops: list[ast.cmpop], others: list[ast.expr], fields: Mapping[str, Any]
    ) -> bool:
        value = self._value(left, fields)
        for op, other in zip(ops, others, strict=True):
            right = self._value(other, fields)
            if not _COMPARE[type(op)](value, right):
                return False
            value = right
        return True

    def _truth(self, node: ast.expr, fields: Mapping[str, Any]) -> bool:
        value = self._value(node, fields)
        if not isinstance(value, bool):
            raise self._wrong(f"{shown(ast.unparse(node))} is neither true nor false")
        return value

    def _number(self, node: ast.expr, fields: Mapping[str, Any]) -> float:
        value = self._value(node, fields)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self._wrong(f"{shown(ast.unparse(node))} is not a number")
        return value

    def _field(self, name: str, fields: Mapping[str, Any]) -> Any:
        if name in fields:
            return fields[name]
        if name.lower() in _WORDS:
            return _WORDS[name.lower()]
        # For `source == none`; and a field of `source` in a run that has no source is none.
        return {key: value for key, value in fields.items() if key.startswith(f"{name}.")} or None
