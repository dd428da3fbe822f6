"""Plug-ins: functions by name, their parameters, and the text that stands for one with its values.

A plug-in is one function in one file of the same name, under one decorator line. Its keyword-only arguments are its
parameters. Names, parameters and documentation are read from the syntax tree of the file, so that listing, parsing and
checking a specification import nothing; the file itself is imported when the function is called for.
"""

from __future__ import annotations

import ast
import functools
import importlib
import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from distaff.errors import DistaffError, unknown
from distaff.plugins.file import REQUIRED, Plugin, read_plugin
from distaff.plugins.source import IMPORTED
from distaff.plugins.spec import Spec, Value, canonical, coerce, coerced_default, literal

PACKAGE = Path(__file__).parent.parent
EXTRA_FOLDERS = "DISTAFF_PLUGINS"  # environment variable: folders that hold methods/, metrics/, ... of the user's own


class Registry:
    """The plug-ins of one kind: the files of a folder of the package, and of the user's own folders.

    `kind` is what one of them is called, `plural` what all are; `folder` is theirs in the package, where the files
    named in `beside` are not plug-ins.
    """

    def __init__(self, kind: str, plural: str, folder: str | None = None, beside: frozenset[str] = frozenset()) -> None:
        self.kind = kind
        self.plural = plural
        self.folder = folder or plural
        self.beside = beside

    def _folders(self) -> list[Path]:
        extra = [Path(part) for part in os.environ.get(EXTRA_FOLDERS, "").split(os.pathsep) if part]
        return [PACKAGE / self.folder, *(part / self.plural for part in extra)]

    def _files(self) -> dict[str, Path]:
        files: dict[str, Path] = {}
        for folder in self._folders():
            for path in sorted(path for path in folder.glob("[!_]*.py") if path.stem not in self.beside):
                if path.stem in files:
                    raise self._duplicate(path.stem, files[path.stem], path)
                files[path.stem] = path
        return files

    def _file(self, name: str) -> Path:
        """The file of `name`, without a look at the others: thousands of runs look theirs up."""
        paths = [path for folder in self._folders() if (path := folder / f"{name}.py").is_file()]
        if name in self.beside:
            paths = []
        if len(paths) > 1:
            raise self._duplicate(name, *paths[:2])
        if not paths or not name.isidentifier() or name.startswith("_"):
            raise unknown(self.kind, name, self._files())
        return paths[0]

    def _duplicate(self, name: str, *paths: Path) -> DistaffError:
        return DistaffError(f"two files are named {self.kind} {name!r}: {paths[0]} and {paths[1]}")

    def names(self) -> list[str]:
        """The names of all plug-ins of this kind, in alphabetical order."""
        return sorted(self._files())

    def plugin(self, name: str) -> Plugin:
        """What the file of `name` declares; raises `DistaffError` with the nearest name if there is none."""
        path = self._file(name)
        return read_plugin(self.kind, name, path, path.stat().st_mtime_ns)

    def packaged(self) -> list[str]:
        """The names of those that the package brings itself."""
        return sorted(name for name, path in self._files().items() if path.is_relative_to(PACKAGE))

    def function(self, name: str) -> Callable[..., Any]:
        """The function itself, importing its file."""
        path = self.plugin(name).path
        if path.is_relative_to(PACKAGE):
            module = importlib.import_module(f"distaff.{'.'.join(path.relative_to(PACKAGE).with_suffix('').parts)}")
        else:
            module = _import_file(f"distaff_plugins.{self.plural}.{name}", path)
        return getattr(module, name)  # type: ignore[no-any-return]

    def bind(self, spec: Spec) -> Callable[..., Any]:
        """The function of `spec` with its parameters filled in."""
        return functools.partial(self.function(spec.name), **dict(spec.values))

    def spec(self, name: str, /, **arguments: Any) -> Spec:
        """The plug-in `name` with these arguments and defaults for the rest, every value checked."""
        plugin = self.plugin(name)
        parameters = {p.name: p for p in plugin.parameters}
        for key in arguments:
            if key not in parameters:
                raise unknown(f"parameter of {name}", key, parameters)
        values: dict[str, Value] = {}
        for key, parameter in parameters.items():
            value = arguments.get(key, parameter.default)
            if value is REQUIRED:
                raise DistaffError(f"{name} needs a value for {key} ({parameter.annotation}), as in {name}({key}=...)")
            values[key] = coerce(name, parameter, value)
        first = next((p.name for p in plugin.parameters if p.hyper), None)  # the strength: shown even at its default
        shown = [
            f"{key}={literal(value)}"
            for key, value in values.items()
            if key == first or value != coerced_default(name, parameters[key])
        ]
        text = f"{name}({', '.join(shown)})" if shown else name
        since = plugin.marks.get("since", {})
        hashed = {key: value for key, value in values.items() if key not in since or value != since[key]}
        identity = canonical({"name": name, "version": plugin.marks.get("version", 1), "parameters": hashed})
        numbers = (p.name for p in plugin.parameters if p.hyper and isinstance(values[p.name], float))
        strength = next(((key, float(values[key])) for key in numbers), None)  # type: ignore[arg-type]
        return Spec(self.kind, name, tuple(values.items()), text, identity, strength)

    def parse(self, text: str) -> Spec:
        """The specification that `text` writes, such as `beta_vae(beta=4)`; only literals are read."""
        example = f"write it as name or name(parameter=value), for example {self.names()[0]}"
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except SyntaxError as error:
            raise DistaffError(f"{text!r} is not a {self.kind}: {example}") from error
        if isinstance(tree, ast.Name):
            return self.spec(tree.id)
        if not isinstance(tree, ast.Call) or not isinstance(tree.func, ast.Name):
            raise DistaffError(f"{text!r} is not a {self.kind}: {example}")
        if tree.args:
            raise DistaffError(f"{text!r}: parameters are written with their names, as in {tree.func.id}(name=value)")
        arguments: dict[str, Any] = {}
        for keyword in tree.keywords:
            if keyword.arg is None:
                raise DistaffError(f"{text!r}: ** is not supported, only literal values")
            try:
                arguments[keyword.arg] = ast.literal_eval(keyword.value)
            except ValueError as error:
                raise DistaffError(f"{text!r}: the value of {keyword.arg} is not a literal") from error
        return self.spec(tree.func.id, **arguments)


def _import_file(module_name: str, path: Path) -> Any:
    if module_name in sys.modules:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise DistaffError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    setattr(module, IMPORTED, path.read_bytes())
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    return module


DATASETS = Registry("dataset", "data", beside=frozenset({"dataset", "grid"}))
NETWORKS = Registry("network", "networks")
CRITICS = Registry("critic", "critics", "networks/critics")
METHODS = Registry("method", "methods", beside=frozenset({"outputs"}))
METRICS = Registry("metric", "metrics", beside=frozenset({"evaluate"}))
TASKS = Registry("task", "tasks")
FIGURES = Registry("figure", "figures", "reports/figures")
KINDS = {one.plural: one for one in (DATASETS, NETWORKS, CRITICS, METHODS, METRICS, TASKS, FIGURES)}


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
