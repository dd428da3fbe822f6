"""What the file of a plug-in declares: parameters, documentation and marks, from the syntax tree alone."""

from __future__ import annotations

import ast
import functools
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from distaff.errors import DistaffError

REQUIRED = object()  # stands where a parameter has no default


@dataclass(frozen=True)
class Parameter:
    """A keyword-only argument of a plug-in: its name, its annotation as written, and its default."""

    name: str
    annotation: str
    default: Any

    @property
    def hyper(self) -> bool:
        """Whether the value is data to the engine (stacked over models) rather than structure."""
        return self.annotation == "Hyper"


@dataclass(frozen=True)
class Plugin:
    """What the file of a plug-in declares, read without importing it."""

    kind: str
    name: str
    path: Path
    doc: str
    parameters: tuple[Parameter, ...]
    marks: Mapping[str, Any] = field(repr=False)
    marked: frozenset[str] = frozenset()
    required: tuple[str, ...] = ()  # positional arguments without a default: what it cannot be called without

    def has(self, mark: str) -> bool:
        """Whether the decorator line gives `mark`, also where its value is not a literal (a critic's loss)."""
        return mark in self.marked

    @property
    def summary(self) -> str:
        """The first paragraph of the docstring, on one line."""
        return " ".join(self.doc.split("\n\n")[0].split())


@functools.lru_cache(maxsize=1024)
def read_plugin(kind: str, name: str, path: Path, _modified: int) -> Plugin:
    """The plug-in that `path` defines, from its syntax tree; read again when the file changes."""
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    for node in tree.body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            marks = _marks(node)
            if marks is None:
                raise DistaffError(f"{path}: the function {name} needs the decorator line @{kind}(...) to be a {kind}")
            defaults = [REQUIRED if d is None else ast.literal_eval(d) for d in node.args.kw_defaults]
            parameters = tuple(
                Parameter(arg.arg, ast.unparse(arg.annotation) if arg.annotation else "", default)
                for arg, default in zip(node.args.kwonlyargs, defaults, strict=True)
            )
            doc = ast.get_docstring(node) or ""
            positional = [argument.arg for argument in (*node.args.posonlyargs, *node.args.args)]
            required = tuple(positional[: len(positional) - len(node.args.defaults)])
            return Plugin(kind, name, path, doc, parameters, MappingProxyType(marks), _marked(node), required)
    raise DistaffError(f"{path}: a file of {kind}s must define a function of its own name, {name}")


def _marks(node: ast.FunctionDef) -> dict[str, Any] | None:
    """The literal arguments of the decorator line; those that name functions are left to the import."""
    for decorator in node.decorator_list:
        if isinstance(decorator, ast.Call):
            marks = {}
            for keyword in decorator.keywords:
                try:
                    marks[str(keyword.arg)] = ast.literal_eval(keyword.value)
                except ValueError:
                    continue
            return marks
    return None


def _marked(node: ast.FunctionDef) -> frozenset[str]:
    calls = [decorator for decorator in node.decorator_list if isinstance(decorator, ast.Call)]
    return frozenset(str(keyword.arg) for call in calls for keyword in call.keywords)
