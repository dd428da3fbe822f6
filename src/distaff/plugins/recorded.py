"""A plug-in as a record has it, without its file: it may be gone, or be of another version by now."""

from __future__ import annotations

import ast
import functools
import json
from typing import Any

from distaff.errors import DistaffError
from distaff.plugins.spec import Spec, Value, canonical


@functools.lru_cache(maxsize=4096)
def recorded(kind: str, text: str, identity: str | None = None) -> Spec:
    """The plug-in that a record writes as `text`, with the values that it had: those of `identity`, or of the text.

    Without an `identity`, which earlier versions did not record, the version is not known, nor a value that stood at
    its default: the spec then has an identity of its own, which no plug-in has. Raises `DistaffError` for a text that
    is not a call with literals, and for an identity of another plug-in.
    """
    name, written = _call(kind, text)
    known = _parameters(name, text, identity)
    ordered = {key: known[key] for key in (*written, *known) if key in known} if known is not None else written
    numbers = (key for key in written if _is_number(ordered.get(key), known is not None))
    strength = next(((key, float(ordered[key])) for key in numbers), None)
    values = tuple((key, _value(value)) for key, value in ordered.items())
    unknown = canonical({"name": name, "version": None, "parameters": written})
    return Spec(kind, name, values, text, unknown if identity is None else identity, strength)


def version_of(identity: str) -> int | None:
    """The version in an identity; None where it is not known."""
    version = json.loads(identity).get("version")
    return version if isinstance(version, int) else None


def with_version(identity: str, version: int) -> str:
    """The same identity of another version."""
    return canonical({**json.loads(identity), "version": version})


def _call(kind: str, text: str) -> tuple[str, dict[str, Any]]:
    try:
        tree = ast.parse(text, mode="eval").body
        if isinstance(tree, ast.Name):
            return tree.id, {}
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and not tree.args:
            return tree.func.id, {str(one.arg): ast.literal_eval(one.value) for one in tree.keywords}
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise DistaffError(f"{text!r} is not a {kind}: {error}") from error
    raise DistaffError(f"{text!r} is not a {kind}: it is written as name or name(parameter=value)")


def _parameters(name: str, text: str, identity: str | None) -> dict[str, Any] | None:
    if identity is None:
        return None
    try:
        value = json.loads(identity)
        parameters = value["parameters"]
        if value["name"] == name and isinstance(parameters, dict) and canonical(value) == identity:
            return parameters
    except (ValueError, TypeError, KeyError):
        pass
    raise DistaffError(f"{identity!r} is not the identity of {text}")


def _is_number(value: Any, typed: bool) -> bool:
    """Whether a value is a hyperparameter's: a float where values have their types, in a text any number."""
    return isinstance(value, float) or (not typed and isinstance(value, int) and not isinstance(value, bool))


def _value(value: Any) -> Value:
    return tuple(map(_value, value)) if isinstance(value, (list, tuple)) else value
