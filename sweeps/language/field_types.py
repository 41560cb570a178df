"""The types of a specification's fields: how each is read, and what is allowed."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from sweeps.language.list_text import numbers_as_text
from sweeps.language.plain_yaml import real, whole

Whole = Annotated[int, BeforeValidator(whole)]
Real = Annotated[float, BeforeValidator(real)]
AtLeastTwo = Annotated[Whole, Field(ge=2, le=10**9)]
Count = Annotated[Whole, Field(ge=1, le=10**9)]
Index = Annotated[Whole, Field(ge=0, le=10**9)]
Rate = Annotated[Real, Field(gt=0, allow_inf_nan=False)]
Share = Annotated[Real, Field(ge=0, le=1, allow_inf_nan=False)]
NonNegative = Annotated[Real, Field(ge=0, allow_inf_nan=False)]
Momentum = Annotated[Real, Field(ge=0, lt=1, allow_inf_nan=False)]
Decay = Annotated[Real, Field(gt=0, lt=1, allow_inf_nan=False)]
Pixels = Annotated[Whole, Field(ge=8, le=224)]
Channels = Annotated[Literal[1, 3], BeforeValidator(whole)]
Flag = Annotated[bool, Field(strict=True)]
NumberList = Annotated[str, BeforeValidator(numbers_as_text)]
"""Text of numbers; a list is read too (sweeps/language/list_text.py)."""


def text_like(pattern: str, allowed: str) -> AfterValidator:
    """Refuses text that does not match a regular expression as a whole, in the words of `allowed`."""
    compiled = re.compile(pattern)

    def check(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise ValueError(f"allowed: {allowed}")
        return text

    return AfterValidator(check)


class Spec(BaseModel):
    """Base of every specification: immutable, no unknown keys, no silent conversion of meaning."""

    model_config = ConfigDict(frozen=True, extra="forbid", validate_default=True)


def null_for(default: Any) -> AfterValidator:
    """Reads the value that null stands for as null."""
    return AfterValidator(lambda value: None if value == default else value)
