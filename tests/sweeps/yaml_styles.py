"""The same value as many people would write it in YAML: key order, flow and block, quotes, comments, numbers."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import strategies as st

Draw = Any

_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*|[0-9]+\.\.[0-9.]+")
"""Text that needs no quotes, anywhere."""


def whole_spellings(value: int) -> list[str]:
    """Ways to write a whole number."""
    texts = [str(value), f"{value}.0", f"{value}e0", f"{value}E+0", f"+{value}", f'"{value}"', f"'{value}.00'"]
    mantissa, zeros = str(value).rstrip("0"), len(str(value)) - len(str(value).rstrip("0"))
    if value and zeros:
        texts += [f"{mantissa}e{zeros}", f"{mantissa}.0E+{zeros}"]
    return texts if value else [*texts, "-0", "-0.0", "0.0e5"]


def real_spellings(value: float) -> list[str]:
    """Ways to write a real number, none of which loses a bit."""
    digits = f"{value:.17g}"
    texts = [repr(value), digits, f"{value:.16e}", f"{value:.20E}", f'"{value!r}"', f"'{value:.16E}'", f"+{value!r}"]
    texts += whole_spellings(int(value)) if value.is_integer() and value < 1e15 else []
    return texts if value else [*texts, "-0.0", "-0e3"]


@st.composite
def as_yaml(draw: st.DrawFn, value: dict[str, Any]) -> str:
    """YAML text for a mapping of plain values."""
    return _block(draw, value, 0)


def _block(draw: Draw, value: dict[str, Any], indent: int) -> str:
    lines: list[str] = []
    for key in draw(st.permutations(sorted(value))):
        item, head = value[key], f"{' ' * indent}{_text(draw, key)}:"
        if isinstance(item, dict) and item and draw(st.booleans()):
            lines.append(f"{head}{_comment(draw)}\n{_block(draw, item, indent + draw(st.integers(1, 4)))}")
        elif isinstance(item, list) and item and draw(st.booleans()):
            entries = [f"{' ' * indent}- {_flow(draw, entry)}{_comment(draw)}\n" for entry in item]
            lines.append(f"{head}{_comment(draw)}\n{''.join(entries)}")
        else:
            lines.append(f"{head} {_flow(draw, item)}{_comment(draw)}\n")
    return "".join(lines)


def _flow(draw: Draw, value: Any) -> str:
    comma = st.sampled_from([", ", " , ", ",\n                    "])
    if isinstance(value, dict):
        items = [f"{_text(draw, key)}: {_flow(draw, value[key])}" for key in draw(st.permutations(sorted(value)))]
        return "{" + draw(comma).join(items) + "}"
    if isinstance(value, list):
        return "[" + draw(comma).join(_flow(draw, entry) for entry in value) + "]"
    if value is None:
        return draw(st.sampled_from(["null", "~", "Null"]))
    if isinstance(value, bool):
        return draw(st.sampled_from(["true", "True"] if value else ["false", "False"]))
    if isinstance(value, int):
        return draw(st.sampled_from(whole_spellings(value)))
    if isinstance(value, float):
        return draw(st.sampled_from(real_spellings(value)))
    return _text(draw, value)


def _text(draw: Draw, text: str) -> str:
    plain = [text] if _PLAIN.fullmatch(text) and text not in ("true", "false", "null") else []
    single = "'" + text.replace("'", "''") + "'"
    return draw(st.sampled_from([*plain, single, json.dumps(text, ensure_ascii=False)]))


def _comment(draw: Draw) -> str:
    return draw(st.sampled_from(["", "", "  # as in the paper", "   # {a: 1}\n\n# and so on"]))
