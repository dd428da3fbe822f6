"""A plug-in with its values: the text that means it everywhere, and the canonical JSON that ids hash."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from distaff.errors import DistaffError
from distaff.plugins.file import REQUIRED, Parameter

Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | None"


@dataclass(frozen=True)
class Spec:
    """A plug-in with a value for every parameter; `str(spec)` is the text that means it everywhere."""

    kind: str
    name: str
    values: tuple[tuple[str, Value], ...]
    text: str = field(compare=False)
    identity: str = field(compare=False, repr=False)  # canonical JSON: what content ids hash

    def __str__(self) -> str:
        return self.text

    def __getitem__(self, parameter: str) -> Value:
        return dict(self.values)[parameter]


def coerced_default(name: str, parameter: Parameter) -> Any:
    return REQUIRED if parameter.default is REQUIRED else coerce(name, parameter, parameter.default)


def options_of(annotation: str) -> list[str]:
    """The types that an annotation joins by `|`; brackets are left whole."""
    found, depth = [""], 0
    for sign in annotation:
        depth += (sign in "[(") - (sign in "])")
        if sign == "|" and not depth:
            found.append("")
        else:
            found[-1] += sign
    return [option.strip() for option in found]


def coerce(name: str, parameter: Parameter, value: Any) -> Value:
    """`value` as the annotation requires it, so that `4` and `4.0` are one value; refuses what does not fit."""
    annotation = parameter.annotation
    options = options_of(annotation)
    if value is None and "None" in options:
        return None
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if ("Hyper" in options or "float" in options) and number:
        return float(value)
    if "int" in options and number and float(value).is_integer():
        return int(value)
    if "bool" in options and isinstance(value, bool):
        return value
    if "str" in options and isinstance(value, str):
        return value
    if any(option.startswith("tuple[") for option in options) and isinstance(value, (tuple, list)):
        return tuple(value)
    raise DistaffError(
        f"{name}: {parameter.name}={value!r} is not valid: expected {annotation.replace('Hyper', 'a finite number')}"
    )


def literal(value: Value) -> str:
    """The shortest text that reads back as `value`: `4` for 4.0, `1e-4` for 0.0001."""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return repr(value)


def canonical(value: Any) -> str:
    """JSON in one spelling, the same for equal values; NaN and infinities are refused."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)


def content_id(value: Any) -> str:
    """Sixteen hexadecimal digits of the SHA-256 of `value` as canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:16]
