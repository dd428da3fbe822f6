"""What a plug-in must be, checked: by its file, by one cheap trial call, and by what each call returns.

`violations(registry, name)` lists all that is wrong with a plug-in, each in one line; `require(registry, name)` raises
the first. Both are stable: `distaff check` and `distaff.testing` stand on them.

What a file shows is checked in `distaff.plugins.signature`. What a function gives is checked by the room of its kind,
in the file `_contract.py` beside its plug-ins, which is imported when the first function of that kind is:

* `received(origin, value, arguments, keywords) -> value` sees what every call returned;
* `trial(function, plugin)` calls the function on small inputs, and raises for what is wrong with it.

Either raises `Violation` with what was returned and what the contract says. Training requires the trial of each method
of others before its first update, since it calls them inside transformations where no value can be looked at.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from distaff.errors import DistaffError, PluginError
from distaff.plugins.boundary import Check, guarded
from distaff.plugins.file import Plugin
from distaff.plugins.signature import faults

if TYPE_CHECKING:
    from distaff.plugins.registry import Registry

_tried: set[tuple[str, str, str]] = set()


def violations(registry: Registry, name: str) -> list[str]:
    """All that is wrong with the plug-in `name`, each in one line; an empty list for one that keeps its contract.

    A data set is built and looked at, a network is built for images of two sizes, a metric is computed on a few rows.
    """
    try:
        plugin = registry.declared(name)
    except PluginError as error:
        return [str(error)]
    if wrong := faults(plugin):
        return [str(plugin.origin.error(one)) for one in wrong]
    try:
        call_trial(registry.room, plugin, registry.unguarded(name))
    except DistaffError as error:
        return [str(error)]
    return []


def require(registry: Registry, name: str) -> None:
    """Raise the first violation of the plug-in `name` as `PluginError`; one trial a process and version of the file."""
    plugin = registry.plugin(name)
    version = _version(plugin)
    if version not in _tried:
        call_trial(registry.room, plugin, registry.unguarded(name))
        _tried.add(version)


def call_trial(room: str, plugin: Plugin, function: Callable[..., Any]) -> None:
    """One trial call; raises `PluginError` for what it shows, also of what the function raises."""
    trial = guarded(plugin.origin, _contract(room).trial)
    trial(function, plugin)


def check_of(room: str) -> Check:
    """What sees each value that a plug-in of that room returns."""
    check: Check = _contract(room).received
    return check


@functools.cache
def _contract(room: str) -> Any:
    return importlib.import_module(f"{room}._contract")


def _version(plugin: Plugin) -> tuple[str, str, str]:
    status = plugin.path.stat()
    return plugin.kind, plugin.name, _sha256(str(plugin.path), status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=256)
def _sha256(path: str, modified: int, size: int) -> str:
    del modified, size  # the key
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()
