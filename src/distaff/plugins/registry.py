"""Plug-ins: functions by name, their parameters, and the text that stands for one with its values.

A plug-in is one function in one file of the same name, under one decorator line. Its keyword-only arguments are its
parameters. Names, parameters and documentation are read from the syntax tree of the file, so that listing, parsing and
checking a specification import nothing; the file itself is imported when the function is called for.
"""

from __future__ import annotations

import ast
import functools
import hashlib
import importlib
import importlib.util
import json
import math
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from distaff.errors import DistaffError, unknown
from distaff.plugins.file import REQUIRED, Parameter, Plugin, read

Value: TypeAlias = "bool | int | float | str | tuple[Value, ...] | None"

PACKAGE = Path(__file__).parent.parent
EXTRA_FOLDERS = "DISTAFF_PLUGINS"  # environment variable: folders that hold methods/, metrics/, ... of the user's own


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


class Registry:
    """The plug-ins of one kind: the files of a folder of the package, and of the user's own folders."""

    def __init__(self, kind: str, folder: str) -> None:
        self.kind = kind
        self.folder = folder

    def _folders(self) -> list[Path]:
        extra = [Path(part) for part in os.environ.get(EXTRA_FOLDERS, "").split(os.pathsep) if part]
        return [PACKAGE / self.folder, *(part / self.folder for part in extra)]

    def _files(self) -> dict[str, Path]:
        found: dict[str, Path] = {}
        for folder in self._folders():
            for path in sorted(folder.glob("[!_]*.py")):
                if path.stem in found:
                    raise self._twice(path.stem, found[path.stem], path)
                found[path.stem] = path
        return found

    def _file(self, name: str) -> Path:
        """The file of `name`, without a look at the others: thousands of runs ask for theirs."""
        found = [path for folder in self._folders() if (path := folder / f"{name}.py").is_file()]
        if len(found) > 1:
            raise self._twice(name, *found[:2])
        if not found or not name.isidentifier() or name.startswith("_"):
            raise unknown(self.kind, name, self._files())
        return found[0]

    def _twice(self, name: str, *paths: Path) -> DistaffError:
        return DistaffError(f"two files are named {self.kind} {name!r}: {paths[0]} and {paths[1]}")

    def names(self) -> list[str]:
        """The names of all plug-ins of this kind, in alphabetical order."""
        return sorted(self._files())

    def plugin(self, name: str) -> Plugin:
        """What the file of `name` says; raises `DistaffError` with the nearest name if there is none."""
        path = self._file(name)
        return read(self.kind, name, path, path.stat().st_mtime_ns)

    def own(self) -> list[str]:
        """The names of those that the package brings itself."""
        return sorted(name for name, path in self._files().items() if path.is_relative_to(PACKAGE))

    def function(self, name: str) -> Callable[..., Any]:
        """The function itself, importing its file."""
        path = self.plugin(name).path
        if path.is_relative_to(PACKAGE):
            module = importlib.import_module(f"distaff.{'.'.join(path.relative_to(PACKAGE).with_suffix('').parts)}")
        else:
            module = _import_file(f"distaff_plugins.{self.folder}.{name}", path)
        return getattr(module, name)  # type: ignore[no-any-return]

    def bind(self, spec: Spec) -> Callable[..., Any]:
        """The function of `spec` with its parameters filled in."""
        return functools.partial(self.function(spec.name), **dict(spec.values))

    def spec(self, name: str, /, **given: Any) -> Spec:
        """The plug-in `name` with `given` parameters and defaults for the rest, every value checked."""
        plugin = self.plugin(name)
        parameters = {p.name: p for p in plugin.parameters}
        for key in given:
            if key not in parameters:
                raise unknown(f"parameter of {name}", key, parameters)
        values: dict[str, Value] = {}
        for key, parameter in parameters.items():
            value = given.get(key, parameter.default)
            if value is REQUIRED:
                raise DistaffError(f"{name} needs a value for {key} ({parameter.annotation}), as in {name}({key}=...)")
            values[key] = _coerce(name, parameter, value)
        first = next((p.name for p in plugin.parameters if p.hyper), None)  # the strength: told even at its default
        shown = [
            f"{key}={_literal(value)}"
            for key, value in values.items()
            if key == first or value != _coerced_default(name, parameters[key])
        ]
        text = f"{name}({', '.join(shown)})" if shown else name
        since = plugin.marks.get("since", {})
        hashed = {key: value for key, value in values.items() if key not in since or value != since[key]}
        identity = canonical({"name": name, "version": plugin.marks.get("version", 1), "parameters": hashed})
        return Spec(self.kind, name, tuple(values.items()), text, identity)

    def parse(self, text: str) -> Spec:
        """The specification that `text` writes, such as `beta_vae(beta=4)`; only literals are read."""
        example = f"write it as name or name(parameter=value), for example {self.names()[0]}"
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError as error:
            raise DistaffError(f"{text!r} is no {self.kind}: {example}") from error
        if isinstance(tree, ast.Name):
            return self.spec(tree.id)
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            raise DistaffError(f"{text!r} is no {self.kind}: {example}")
        if tree.args:
            raise DistaffError(f"{text!r}: parameters are written with their names, as in {tree.func.id}(name=value)")
        given: dict[str, Any] = {}
        for keyword in tree.keywords:
            if keyword.arg is None:
                raise DistaffError(f"{text!r}: ** is not read, only literal values")
            try:
                given[keyword.arg] = ast.literal_eval(keyword.value)
            except ValueError as error:
                raise DistaffError(f"{text!r}: the value of {keyword.arg} is not a literal") from error
        return self.spec(tree.func.id, **given)


def _import_file(module_name: str, path: Path) -> Any:
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise DistaffError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module


def _coerced_default(name: str, parameter: Parameter) -> Any:
    return REQUIRED if parameter.default is REQUIRED else _coerce(name, parameter, parameter.default)


def _coerce(name: str, parameter: Parameter, value: Any) -> Value:
    """`value` as the annotation wants it, so that `4` and `4.0` are one value; refuses what does not fit."""
    wanted = parameter.annotation
    options = [option.strip() for option in wanted.split("|")]
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
        f"{name}: {parameter.name}={value!r} does not fit, it wants {wanted.replace('Hyper', 'a finite number')}"
    )


def _literal(value: Value) -> str:
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


DATASETS = Registry("dataset", "data")
NETWORKS = Registry("network", "networks")
METHODS = Registry("method", "methods")
METRICS = Registry("metric", "metrics")
TASKS = Registry("task", "tasks")
FIGURES = Registry("figure", "report/figures")
KINDS = {registry.folder: registry for registry in (DATASETS, NETWORKS, METHODS, METRICS, TASKS, FIGURES)}


def metric_or_task(text: str) -> Spec:
    """The metric or the task that `text` writes; raises `DistaffError` for a name that is neither."""
    name = text.partition("(")[0].strip()
    for kind in (METRICS, TASKS):
        if name in kind.names():
            return kind.parse(text)
    raise unknown("metric or task", name, [*METRICS.names(), *TASKS.names()])


def registry_of(spec: Spec) -> Registry:
    """Where the plug-in of `spec` is found."""
    return next(registry for registry in KINDS.values() if registry.kind == spec.kind)
