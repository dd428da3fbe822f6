"""The marks of a decorator line: which there are, of what type, and which a file gives wrongly."""

from __future__ import annotations

import ast
import functools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from distaff.errors import unknown
from distaff.plugins.kinds import CONTRACTS, PACKAGE


class Mark(NamedTuple):
    """A keyword of a decorator: its annotation as written, and whether it must be given."""

    annotation: str
    required: bool


@functools.cache
def declared(kind: str) -> Mapping[str, Mark]:
    """The marks that the decorator of a kind has, from its own definition."""
    place = CONTRACTS[kind]
    tree = ast.parse((PACKAGE / place.declared).read_text(encoding="utf-8"))
    (node,) = (one for one in tree.body if isinstance(one, ast.FunctionDef) and one.name == place.decorator)
    pairs = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    return {a.arg: Mark(ast.unparse(a.annotation) if a.annotation else "", default is None) for a, default in pairs}


def mark_faults(kind: str, given: Mapping[str, Any], named: frozenset[str]) -> Iterator[str]:
    """What is wrong with the marks `named` at a decorator line, of which `given` are literals."""
    known = declared(kind)
    for name in sorted(named - known.keys()):
        yield str(unknown(f"mark of @{CONTRACTS[kind].decorator}", name, known))
    for name, mark in known.items():
        if name not in named:
            if mark.required:
                yield f"@{CONTRACTS[kind].decorator}(...) lacks the mark {name}: {mark.annotation}"
        elif name in given:
            if not fits(given[name], mark.annotation):
                yield f"the mark {name}={given[name]!r} is of another type: expected {mark.annotation}"
        elif _is_data(mark.annotation):
            yield f"the mark {name} is read without running the file: write its value, {mark.annotation}, itself"
    if kind in ("metric", "task"):
        yield from _score_faults(given)


def _score_faults(given: Mapping[str, Any]) -> Iterator[str]:
    rows, ends = given.get("rows"), given.get("range")
    if rows is not None and rows != "grid" and (isinstance(rows, str) or rows < 1):
        yield f"the mark rows={rows!r} is neither a number of rows, from 1 on, nor 'grid'"
    if isinstance(ends, tuple) and len(ends) == 2 and not ends[0] < ends[1]:
        yield f"the mark range={ends!r} is not (least, most)"


def fits(value: Any, annotation: str) -> bool:
    """Whether a literal is of the type that an annotation writes; one that is no type of literals fits."""
    return _fits(value, ast.parse(annotation or "Any", mode="eval").body)


def _fits(value: Any, node: ast.expr) -> bool:
    if isinstance(node, ast.BinOp):
        return _fits(value, node.left) or _fits(value, node.right)
    if isinstance(node, ast.Constant):
        return value is node.value
    if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name):
        parts = node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]
        return _fits_container(value, node.value.id, parts)
    return not isinstance(node, ast.Name) or _TYPES.get(node.id, lambda _: True)(value)


def _fits_container(value: Any, name: str, parts: list[ast.expr]) -> bool:
    if name in ("Mapping", "dict"):
        return isinstance(value, dict) and all(
            _fits(key, parts[0]) and _fits(one, parts[1]) for key, one in value.items()
        )
    if name != "tuple":
        return True
    if not isinstance(value, tuple):
        return False
    if isinstance(parts[-1], ast.Constant) and parts[-1].value is ...:
        return all(_fits(one, parts[0]) for one in value)
    return len(value) == len(parts) and all(map(_fits, value, parts))


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


_TYPES: dict[str, Callable[[Any], bool]] = {
    "str": lambda value: isinstance(value, str),
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "float": _is_number,
    "Ranges": lambda value: isinstance(value, dict) and all(isinstance(name, str) for name in value),
}


def _is_data(annotation: str) -> bool:
    """Whether every value of the annotation can be written as a literal."""
    names = {node.id for node in ast.walk(ast.parse(annotation, mode="eval")) if isinstance(node, ast.Name)}
    return names <= {*_TYPES, "tuple", "Mapping", "Any"}
