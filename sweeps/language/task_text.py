"""How a task is written: a data set, some of its classes, values of its parameters.

    digits   digits[0-4]   signal_noise(specific=2,universal=4)   signal_noise[0-2](universal=4)

In a sweep file the parameters may be keys beside the name, `{name: signal_noise, universal: 4}`; a specification holds
the text. The form alone is known here. Package `tasks` knows which data sets, classes and parameters there are.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from sweeps.errors import shown

LONGEST = 200

Scalar = bool | int | float | str

PATH = "path"
"""The parameter that names a file or folder. Characters that a task's text does not have are written %XX in it."""
_IN_PATHS = "/_.+-~"

_FORM = re.compile(r"([^\[\]()]*)(?:\[([^\[\]()]*)\])?(?:\(([^\[\]()]*)\))?")
_PARAMETER = re.compile(r"([a-z][a-z0-9_]*)=([A-Za-z0-9_.+%/~-]+)")
_KEY = re.compile(r"[a-z][a-z0-9_]*")
_VALUE = re.compile(r"[A-Za-z0-9_.+-]+")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_REAL = re.compile(r"-?[0-9]+(\.[0-9]+)?(e[+-]?[0-9]+)?")


@dataclass(frozen=True)
class TaskText:
    """The parts of a task's text. `classes` is what the brackets hold, None without brackets; values are text."""

    dataset: str
    classes: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        """The text again: parameters by name, without spaces."""
        values = ",".join(f"{key}={value}" for key, value in sorted(self.parameters.items()))
        classes = "" if self.classes is None else f"[{self.classes}]"
        return f"{self.dataset}{classes}{f'({values})' if values else ''}"


def read_task(text: str) -> TaskText:
    """The parts of a task's text. Raises ValueError, in one line, where it has not the form above."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise ValueError(f"{text!r} is not a task name; write e.g. 'digits', 'digits[0-4]' or 'name[0-4](key=1)'")
    parameters: dict[str, str] = {}
    for item in match[3].split(",") if match[3] is not None else ():
        found = _PARAMETER.fullmatch(item.replace(" ", ""))
        if found is None:
            raise ValueError(f"{text!r}: {item!r} is not a parameter; write e.g. 'key=1' or 'key=0.5'")
        if found[1] in parameters:
            raise ValueError(f"{text!r} gives {found[1]} more than once")
        parameters[found[1]] = found[2]
    return TaskText(match[1], match[2], parameters)


def as_text(task: Any) -> Any:
    """The text of a task that a sweep gives as a mapping of `name` and parameters; anything else is handed on.

    A parameter that is null is as if it were not there. Raises ValueError, in one line, for a mapping without a name
    or with what is no parameter.
    """
    if not isinstance(task, dict):
        return task
    name = task.get("name")
    if not isinstance(name, str):
        raise ValueError(
            f"a task with parameters needs the name of its data set, as {{name: ..., {_example(task)}: 1}}"
        )
    if "(" in name:
        raise ValueError(f"name = {shown(name)}: parameters stand beside the name here, not in it")
    given = {key: value for key, value in task.items() if key != "name" and value is not None}
    parameters = {key: _scalar_text(key, value) for key, value in given.items()}
    return str(TaskText(name, None, parameters))


def scalar_text(value: Scalar) -> str:
    """A parameter's value as it stands in a task's text: 4, 0.5, true or a word."""
    return value if isinstance(value, str) else json.dumps(value)


def parameter_values(text: str) -> dict[str, Scalar]:
    """The parameters in a task's text: numbers and truth values as such, other words as text.

    >>> parameter_values("signal_noise(specific=2,universal=4)")
    {'specific': 2, 'universal': 4}
    """
    return {key: _scalar(value) for key, value in read_task(text).parameters.items()} if "(" in text else {}


def dataset_of(text: str) -> str:
    """The name of the data set in a task's text."""
    return re.split(r"[\[(]", text, maxsplit=1)[0]


def _scalar(text: str) -> Scalar:
    if text in ("true", "false"):
        return text == "true"
    if _WHOLE.fullmatch(text):
        return int(text)
    return float(text) if _REAL.fullmatch(text) else text


def _scalar_text(key: Any, value: Any) -> str:
    if not isinstance(key, str) or not _KEY.fullmatch(key):
        raise ValueError(f"{shown(key)} is no parameter; allowed: small letters, digits and _")
    if key == PATH and isinstance(value, str) and value:
        return quote(value, safe=_IN_PATHS)
    if not isinstance(value, bool | int | float | str):
        raise ValueError(f"{key} = {shown(value)}: allowed: a number, true, false or a word")
    try:
        text = scalar_text(value).strip()
    except ValueError:  # Python prints no integer of more than 4,300 digits
        text = ""
    if not _VALUE.fullmatch(text):
        raise ValueError(
            f"{key} = {shown(value)}: allowed: a number, true, false or a word of letters, digits and _.+-"
        )
    return text


def _example(task: dict[Any, Any]) -> str:
    return next((key for key in task if isinstance(key, str) and _KEY.fullmatch(key)), "parameter")[:40]
