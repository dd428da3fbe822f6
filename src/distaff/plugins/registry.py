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
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from distaff.errors import DistaffError, unknown
from distaff.plugins.boundary import guarded, passes, plugin_error
from distaff.plugins.contract import check_of
from distaff.plugins.file import REQUIRED, Plugin, read_plugin
from distaff.plugins.kinds import PACKAGE
from distaff.plugins.places import Found, found, in_folder, places, troubles
from distaff.plugins.ranges import check_range
from distaff.plugins.signature import faults
from distaff.plugins.source import IMPORTED
from distaff.plugins.spec import Spec, Value, canonical, coerce, coerced_default, literal

LONGEST = 10_000  # characters of a specification: paths of files are the longest parameters


class Registry:
    """The plug-ins of one kind: files of a folder of the package, of the user's own, and of installed packages.

    `kind` is what one of them is called, `plural` what all are; `folder` is theirs in the package, where the files
    named in `beside` are not plug-ins. A file that is broken is a plug-in that cannot be used: it is among `names()`,
    and whoever asks for it is told what is wrong.
    """

    def __init__(self, kind: str, plural: str, folder: str | None = None, beside: frozenset[str] = frozenset()) -> None:
        self.kind = kind
        self.plural = plural
        self.folder = folder or plural
        self.beside = beside

    @property
    def room(self) -> str:
        """The module of the package that holds the plug-ins of this kind."""
        return f"distaff.{self.folder.replace('/', '.')}"

    def _found(self, name: str | None = None) -> Iterator[Found]:
        """All files of this kind, or those of `name`, without a look at the others: thousands of runs look theirs up.

        A file that two places hold is one.
        """
        seen = set()
        for one in in_folder(PACKAGE / self.folder, self.room, name):
            if one.name not in self.beside:
                seen.add(one.path)
                yield one
        for place in places():
            for one in found(place, self.kind, self.plural, name):
                if (path := one.path.resolve()) not in seen:
                    seen.add(path)
                    yield one

    def _file(self, name: str) -> Found:
        candidates = list(self._found(name))
        if len(candidates) > 1:
            first, second, *_ = candidates
            raise DistaffError(
                f"two files are named {self.kind} {name!r}: {first.path} and {second.path}; rename one of them"
            )
        if not candidates:
            also = "".join(f" {trouble}." for trouble in troubles())
            raise DistaffError(f"{unknown(self.kind, name, self.names())}{also}")
        if not name.isidentifier():
            raise DistaffError(
                f"{candidates[0].path}: a plug-in's file is named as its function, and {name} is no name"
            )
        return candidates[0]

    def names(self) -> list[str]:
        """The names of all plug-ins of this kind, in alphabetical order, those of broken files included."""
        return sorted({one.name for one in self._found()})

    def path(self, name: str) -> Path:
        """The file of `name`, whatever is in it; raises `DistaffError` with the nearest name if there is none."""
        return self._file(name).path

    def declared(self, name: str) -> Plugin:
        """What the file of `name` declares, whether or not that keeps the contract of its kind.

        Raises `DistaffError` with the nearest name if there is none, and `PluginError` for a file that cannot be read.
        """
        path = self._file(name).path
        return read_plugin(self.kind, name, path, path.stat().st_mtime_ns)

    def plugin(self, name: str) -> Plugin:
        """What the file of `name` declares; raises `PluginError` where it does not keep the contract of its kind."""
        path = self._file(name).path
        version = (self.kind, name, path, path.stat().st_mtime_ns)
        plugin = read_plugin(*version)
        if wrong := _faults(*version):
            raise plugin.origin.error(wrong[0])
        return plugin

    def known(self, name: str) -> Plugin | None:
        """What the file of `name` declares, or None where there is none here that keeps the contract of its kind.

        For tables and pages of runs whose plug-in may be elsewhere, or broken since.
        """
        try:
            return self.plugin(name)
        except DistaffError:
            return None

    def packaged(self) -> list[str]:
        """The names of those that the package brings itself."""
        files = in_folder(PACKAGE / self.folder, self.room)
        return sorted(one.name for one in files if one.name not in self.beside)

    def unguarded(self, name: str) -> Callable[..., Any]:
        """The function as its file defines it; raises `PluginError` where importing the file fails."""
        plugin, place = self.plugin(name), self._file(name)
        try:
            if place.module:
                module = importlib.import_module(place.module)
            else:
                module = _import_file(f"distaff_plugins.{self.plural}.{name}", place.path)
        except Exception as error:
            if passes(error):
                raise
            raise plugin_error(plugin.origin, error) from error
        return getattr(module, name)  # type: ignore[no-any-return]

    def function(self, name: str) -> Callable[..., Any]:
        """The function itself, importing its file, behind the door: what it raises is a `PluginError`.

        So is what it returns where that is not what the contract of its kind says.
        """
        function = self.unguarded(name)
        behind: Callable[..., Any] = guarded(self.plugin(name).origin, function, check_of(self.room))
        return behind

    def bind(self, spec: Spec) -> Callable[..., Any]:
        """The function of `spec` with its parameters filled in."""
        return functools.partial(self.function(spec.name), **dict(spec.values))

    def spec(self, name: str, /, **arguments: Any) -> Spec:
        """The plug-in `name` with these arguments and defaults for the rest, every value checked."""
        return self._spec(name, arguments, stored=False)

    def _spec(self, name: str, arguments: dict[str, Any], *, stored: bool) -> Spec:
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
            if not stored and key in plugin.marks.get("ranges", {}):
                check_range(name, key, values[key], plugin.marks["ranges"][key])
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

    def parse(self, text: str, *, stored: bool = False) -> Spec:
        """The specification that `text` writes, such as `beta_vae(beta=4)`; only literals are read.

        Ranges of hyperparameters hold for what people write; `stored` texts, of runs that are there, need not keep
        ranges that were declared later.
        """
        example = f"write it as name or name(parameter=value), for example {self.names()[0]}"
        if len(text) > LONGEST:
            raise DistaffError(f"{text[:80]!r}... has {len(text):,} characters, and is not a {self.kind}: {example}")
        try:
            tree = ast.parse(text.strip(), mode="eval").body
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:  # null characters, deep brackets
            raise DistaffError(f"{text!r} is not a {self.kind}: {example}") from error
        if isinstance(tree, ast.Name):
            return self._spec(tree.id, {}, stored=stored)
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
            except (ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
                raise DistaffError(f"{text!r}: the value of {keyword.arg} is not a literal") from error
        return self._spec(tree.func.id, arguments, stored=stored)


_imported: dict[str, tuple[Path, int, int]] = {}  # what of a file a module was made of


def _import_file(module_name: str, path: Path) -> Any:
    """The module of a file that belongs to no package, made anew when the file changed; one that fails is not kept."""
    status = path.stat()
    version = (path.resolve(), status.st_mtime_ns, status.st_size)
    if module_name in sys.modules and _imported.get(module_name) == version:
        return sys.modules[module_name]
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise DistaffError(f"{path} cannot be imported as Python")
    module = importlib.util.module_from_spec(spec)
    setattr(module, IMPORTED, path.read_bytes())
    sys.modules[module_name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        sys.modules.pop(module_name, None)
        raise
    _imported[module_name] = version
    return module


@functools.lru_cache(maxsize=1024)
def _faults(kind: str, name: str, path: Path, modified: int) -> tuple[str, ...]:
    return tuple(faults(read_plugin(kind, name, path, modified)))


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
