"""What is wrong with the signature and the marks of a plug-in, as far as its file shows without being run."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from distaff.errors import DistaffError
from distaff.plugins.file import REQUIRED, UNREADABLE, Parameter, Plugin
from distaff.plugins.kinds import CONTRACTS, OF_FIGURES, Contract
from distaff.plugins.marks import mark_faults
from distaff.plugins.ranges import check_range, intervals
from distaff.plugins.spec import coerce, options_of

TYPES = ("float", "int", "bool", "str", "None")


def faults(plugin: Plugin) -> list[str]:
    """Every way in which the file does not keep the contract of its kind, each in one sentence."""
    contract = CONTRACTS[plugin.kind]
    return [
        *_positional(plugin, contract),
        *mark_faults(plugin.kind, plugin.marks, plugin.marked),
        *(fault for parameter in plugin.parameters for fault in _parameter(plugin, parameter)),
        *_needed(plugin, contract),
        *_ranges(plugin),
    ]


def _positional(plugin: Plugin, contract: Contract) -> Iterator[str]:
    given, taken = plugin.positional, contract.takes
    if plugin.collects:
        yield "it takes *arguments or **keywords: hyperparameters are named one by one, after `*,`"
    extra = [name for name in given[len(taken) :] if name not in contract.may_take]
    if extra:
        yield f"{extra[0]} can be given without its name, so it is no hyperparameter: write `*,` before {extra[0]}"
    if len(given) < len(taken):
        yield f"it lacks the argument {taken[len(given)]}"
    elif contract.names_matter and given[: len(taken)] != taken:
        yield f"its arguments ({', '.join(given)}) begin with {', '.join(taken)}, by these names"


def _parameter(plugin: Plugin, parameter: Parameter) -> Iterator[str]:
    if plugin.kind == "figure" and parameter.name in OF_FIGURES:
        return
    name, annotation, default = parameter.name, parameter.annotation, parameter.default
    types = ("Hyper", *TYPES) if plugin.kind == "method" else TYPES
    shown = f"{', '.join(types[:-2])}, str, tuple[...] or one of these | None"
    if not annotation:
        yield f"the hyperparameter {name} has no type: annotate it with {shown}"
    elif not all(option in types or option.startswith("tuple[") for option in options_of(annotation)):
        yield f"the hyperparameter {name} has the type {annotation}: annotate it with {shown}"
    elif default is UNREADABLE:
        yield (
            f"the default of {name} is neither a literal nor the name of one in this file: write its value, since "
            "plug-ins are listed without being run"
        )
    elif default is not REQUIRED:
        try:
            coerce(plugin.name, parameter, default)
        except DistaffError as error:
            yield f"the default of {name} does not fit its type; {error}"


def _needed(plugin: Plugin, contract: Contract) -> Iterator[str]:
    names = {parameter.name for parameter in plugin.parameters}
    yield from (f"it lacks the hyperparameter {name}: int" for name in contract.needs if name not in names)
    requested = {name for name in OF_FIGURES if plugin.kind == "figure" and plugin.marks.get(name)}
    yield from (f"the mark {name}=True gives it the argument {name}, which it lacks" for name in requested - names)


def _ranges(plugin: Plugin) -> Iterator[str]:
    ranges, parameters = plugin.marks.get("ranges"), {one.name: one for one in plugin.parameters}
    if not isinstance(ranges, Mapping):
        return
    for name, allowed in ranges.items():
        if name not in parameters:
            yield f"the mark ranges names {name}, which is no hyperparameter of it"
        else:
            yield from _range(plugin, parameters[name], allowed)


def _range(plugin: Plugin, parameter: Parameter, allowed: Any) -> Iterator[str]:
    try:
        if isinstance(allowed, str):
            intervals(allowed)
        if parameter.default is not REQUIRED and parameter.default is not UNREADABLE:
            check_range(plugin.name, parameter.name, parameter.default, allowed)
    except (DistaffError, TypeError) as error:
        yield f"the range of {parameter.name} does not fit it: {error}"
