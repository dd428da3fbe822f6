"""A run as JSON and back: with what its id hashes, so that it is known where its plug-ins are not."""

from __future__ import annotations

import functools
import itertools
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, replace
from typing import Any

from distaff.errors import DistaffError
from distaff.plugins.places import EXTRA_PLUGINS
from distaff.plugins.recorded import recorded, version_of, with_version
from distaff.plugins.registry import CRITICS, DATASETS, METHODS, NETWORKS, Registry, registry_of
from distaff.plugins.source import is_packaged
from distaff.plugins.spec import Spec
from distaff.runs import Optim, Run

PLUGINS = {"dataset": DATASETS, "method": METHODS, "network": NETWORKS, "critic": CRITICS}  # of a run, by its fields
NUMBERS = ("batch", "updates", "precision", "seed")
VERSIONS_BEYOND = 8  # versions after the one that is here, which a record of a later one may have


def run_record(run: Run) -> dict[str, Any]:
    """The run as JSON: texts of its plug-ins, numbers, and what its id hashes of each plug-in."""
    return {
        "id": run.id,
        **{name: str(spec) if spec else None for name, spec in plugins_of(run).items()},
        "optim": asdict(run.optim),
        "critic_optim": asdict(run.critic_optim),
        **{name: getattr(run, name) for name in NUMBERS},
        "identities": identities_of(run),
    }


def identities_of(run: Run) -> dict[str, str]:
    """What the id of a run hashes of each of its plug-ins, by the plug-in's place in the run."""
    return {name: spec.identity for name, spec in plugins_of(run).items() if spec}


def plugins_of(run: Run) -> dict[str, Spec | None]:
    """The data set, the method, the network and the critic of a run."""
    return {name: getattr(run, name) for name in PLUGINS}


def run_from_record(record: Mapping[str, Any], identities: Mapping[str, str] | None = None) -> Run:
    """The run that `run_record` wrote, whether or not its plug-ins are here; raises `DistaffError` if it was edited.

    `identities` are those of its plug-ins, by default the record's own. A plug-in that is not here, or of another
    version, is known by what was recorded of it. Records of earlier versions have no identities: their id is taken as
    it stands where a plug-in is not here, and else has to be that of some version of the plug-ins.
    """
    identities = record.get("identities") if identities is None else identities
    try:
        plugins = {name: _spec(name, record[name], (identities or {}).get(name)) for name in PLUGINS}
        run = Run(
            **plugins,  # type: ignore[arg-type]
            optim=Optim(**record["optim"]),
            critic_optim=Optim(**record["critic_optim"]),
            **{name: record[name] for name in NUMBERS},
        )
        id = str(record["id"])
    except (KeyError, TypeError, AttributeError) as error:
        raise DistaffError(f"the record of run {record.get('id')} is not complete: {error}") from error
    if run.id == id:
        return run
    if not identities:
        known = [spec for spec in plugins_of(run).values() if spec]
        if not all(map(_is_here_and_ours, known)):
            vars(run)["id"] = id  # what it hashes is not known here
            return run
        if earlier := next((other for other in _of_other_versions(run) if other.id == id), None):
            return earlier
    raise DistaffError(f"run {id} was edited: what stands in its record is run {run.id}")


def require_plugins(run: Run) -> None:
    """Raise `DistaffError` where the data set or the network of a run is not here, or is of another version."""
    for name in ("dataset", "network"):
        spec: Spec = getattr(run, name)
        here = PLUGINS[name].parse(str(spec), stored=True)
        if here.identity != spec.identity:
            raise DistaffError(
                f"run {run.id} was made by {_version_text(spec)} of {name} {spec.name}, and here is "
                f"{_version_text(here)}: its weights do not fit it"
            )


def _version_text(spec: Spec) -> str:
    version = version_of(spec.identity)
    return "an unknown version" if version is None else f"version {version}"


def missing_plugins(run: Run) -> list[str]:
    """The plug-ins of a run that are not here, or not in the version that made it, as `method mine`."""
    known = [(name, spec) for name, spec in plugins_of(run).items() if spec]
    return [
        f"{name} {spec.name}"
        for name, spec in known
        if (here := spec_here(PLUGINS[name], str(spec))) is None or here.identity != spec.identity
    ]


def _spec(name: str, text: str | None, identity: str | None) -> Spec | None:
    if text is None and name == "critic":
        return None
    here = spec_here(PLUGINS[name], str(text))
    if here is not None and identity in (None, here.identity):
        return here
    return recorded(PLUGINS[name].kind, str(text), identity)


def spec_here(registry: Registry, text: str) -> Spec | None:
    """`registry.parse(text)`, or None where no such plug-in is here."""
    return _parsed(registry, text, os.environ.get(EXTRA_PLUGINS, ""))


@functools.lru_cache(maxsize=4096)
def _parsed(registry: Registry, text: str, folders: str) -> Spec | None:
    del folders  # part of the key
    try:
        return registry.parse(text, stored=True)
    except (DistaffError, SyntaxError, OSError):  # gone, or no longer a plug-in: then it is not here
        return None


def _is_here_and_ours(spec: Spec) -> bool:
    """Whether a plug-in is of this package, whose versions count: of one's own a default may have changed as well."""
    return is_packaged(registry_of(spec), spec.name) and version_of(spec.identity) is not None


def _of_other_versions(run: Run) -> Iterator[Run]:
    """The run with other versions of its plug-ins: of each alone, then all earlier ones together."""
    known = {name: spec for name, spec in plugins_of(run).items() if spec}
    here = {name: version_of(spec.identity) or 1 for name, spec in known.items()}
    for name, version in here.items():
        for other in range(1, version + VERSIONS_BEYOND + 1):
            yield _with_versions(run, {name: other})
    for versions in itertools.product(*(range(1, version + 1) for version in here.values())):
        yield _with_versions(run, dict(zip(here, versions, strict=True)))


def _with_versions(run: Run, versions: Mapping[str, int]) -> Run:
    specs: dict[str, Spec] = {name: getattr(run, name) for name in versions}
    changed = {
        name: replace(spec, identity=with_version(spec.identity, versions[name])) for name, spec in specs.items()
    }
    return replace(run, **changed)  # type: ignore[arg-type]


@functools.lru_cache(maxsize=4096)
def parse_cached(registry: Registry, text: str) -> Spec:
    """`registry.parse(text)`, once for each text: a study holds the same few hundred texts thousands of times."""
    return registry.parse(text, stored=True)
