"""Where results are not of what is here now: an edited plug-in, a file of data that was replaced, a mixture of both.

An edited plug-in of the same version has the same ids, so that its runs count as done. Whoever plans or reads a study
hears of it, in one line a plug-in.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from distaff.errors import DistaffError
from distaff.plugins.recorded import recorded, version_of
from distaff.plugins.registry import KINDS, metric_or_task, registry_of
from distaff.plugins.source import is_packaged, source_of
from distaff.plugins.spec import Spec
from distaff.runs import Run, Study
from distaff.store.files import read_json
from distaff.store.records import plugins_of
from distaff.store.sources import FOLDER, data_files, is_same, kept_at
from distaff.store.store import Store

SHOWN = 3  # ids of runs in a line


def changes(study: Study, store: Store, ids: frozenset[str] | None = None) -> list[str]:
    """A line for each plug-in whose text is not that of results in the store: which file, which runs, what to do."""
    runs = [run for run in study.runs if (ids is None or run.id in ids) and store.has(run.id)]
    others: dict[Spec, list[tuple[str, str]]] = defaultdict(list)
    for run in runs:
        specs = [spec for spec in plugins_of(run).values() if spec]
        if own := [spec for spec in specs if _is_own(spec)]:
            made_of = store.provenance(run.id).get("plugins", {})
            for spec in own:
                _note_other(others, spec, run.id, made_of)
    if metrics := [spec for spec in _metrics(study) if _is_own(spec)]:
        for run in runs:
            for identities, made in evaluations(store, run.id):
                for spec in metrics:
                    if spec.identity in identities:  # another version is another metric, whose text may be another
                        _note_other(others, spec, run.id, made.get("plugins", {}))
    return [_change_line(store, spec, found) for spec, found in others.items()]


def replaced_data(study: Study, store: Store, ids: frozenset[str] | None = None) -> list[str]:
    """A line for each file of data that is not the one that runs in the store were trained on."""
    others: dict[Path, list[str]] = defaultdict(list)
    files = {dataset: data_files(dataset) for dataset in dict.fromkeys(run.dataset for run in study.runs)}
    for run in study.runs:
        if (ids is None or run.id in ids) and files[run.dataset] and store.has(run.id):
            known = store.provenance(run.id).get("data", {})
            for path in files[run.dataset]:
                if str(path) in known and not is_same(path, known[str(path)]):
                    others[path].append(run.id)
    return [
        f"{path} is not the data that {_some(found)} of {study.name} {'was' if len(found) == 1 else 'were'} trained "
        "on: put that back, or give the new data another name"
        for path, found in others.items()
    ]


def refuse_replaced_data(study: Study, store: Store, ids: frozenset[str] | None = None) -> None:
    """Raise `DistaffError` where a file of data is not the one that runs of `study` in the store were trained on."""
    if lines := replaced_data(study, store, ids):
        raise DistaffError(lines[0])


def mixtures(store: Store, runs: Sequence[Run]) -> list[str]:
    """A line for each setting whose runs, and each metric whose scores, were made by several texts of a plug-in."""
    of_settings: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    of_metrics: dict[tuple[str, int | None], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for run in runs:
        if any(spec and _is_own(spec) for spec in plugins_of(run).values()):
            for plugin, text in store.provenance(run.id).get("plugins", {}).items():
                of_settings[run.setting.text, plugin][text].add(run.id)
    if _has_own_scores(store):
        for run in runs:
            for identities, made in evaluations(store, run.id):
                for plugin, text in made.get("plugins", {}).items():
                    of_metrics[plugin, _version(plugin, identities)][text].add(run.id)
    lines = [
        f"the setting {setting} mixes runs of {len(texts)} texts of {plugin} ({_counts(texts)})"
        for (setting, plugin), texts in of_settings.items()
        if len(texts) > 1
    ]
    return lines + [
        f"scores of {plugin} mix {len(texts)} texts of it ({_counts(texts)})"
        for (plugin, _), texts in of_metrics.items()
        if len(texts) > 1
    ]


def evaluations(store: Store, id: str) -> Iterator[tuple[Collection[str], Mapping[str, Any]]]:
    """Each evaluation of run `id`: the identities of the metrics of its file, and what made it."""
    for path in sorted(store.run_folder(id).glob("scores-*.json")):
        record = read_json(path)
        identities = record.get("asked", {}).get("metrics", {}).values()
        for made in evaluations_in(record):
            yield identities, made


def _version(plugin: str, identities: Iterable[str]) -> int | None:
    """The version of a metric, called as `metric ours`, among the identities of a file, which has one of it."""
    name = plugin.partition(" ")[2]
    return next((version_of(one) for one in identities if json.loads(one)["name"] == name), None)


def evaluations_in(record: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """What made the evaluation of a file of scores, or those of the files that were merged in it."""
    made = record.get("made", {})
    if "put_together" not in made:
        yield made
    for one in made.get("put_together", []):
        yield from evaluations_in({"made": one})


def _has_own_scores(store: Store) -> bool:
    """Whether a metric or task that is not the package's has left its text in the store."""
    return any((store.folder / FOLDER / KINDS[kind].plural).is_dir() for kind in ("metrics", "tasks"))


def _note_other(others: dict[Spec, list[tuple[str, str]]], spec: Spec, id: str, made_of: Mapping[str, str]) -> None:
    text = made_of.get(f"{spec.kind} {spec.name}")
    now = source_of(registry_of(spec), spec.name)
    plain = recorded(spec.kind, spec.name)  # all settings of one plug-in share its file
    if text is not None and now is not None and text != now.sha256 and (id, text) not in others[plain]:
        others[plain].append((id, text))
    if not others[plain]:
        del others[plain]


def _change_line(store: Store, spec: Spec, found: list[tuple[str, str]]) -> str:
    now = source_of(registry_of(spec), spec.name)
    kept = kept_at(store.folder, spec, found[0][1])
    ids = list(dict.fromkeys(id for id, _ in found))
    verb = "was" if len(ids) == 1 else "were"
    return (
        f"{now.path if now else spec.name} was edited: {_some(ids)} {verb} made by another text of {spec.kind} "
        f"{spec.name}; raise version= in its decorator line to make them again, or restore {kept}"
    )


def _some(ids: Sequence[str]) -> str:
    shown = ", ".join(ids[:SHOWN])
    count = f"{len(ids)} run{'s' if len(ids) > 1 else ''}"
    return f"{count} ({shown}{', ...' if len(ids) > SHOWN else ''})"


def _counts(texts: Mapping[str, set[str]]) -> str:
    return ", ".join(f"{text[:16]}: {len(ids)} runs" for text, ids in texts.items())


def _is_own(spec: Spec) -> bool:
    return not is_packaged(registry_of(spec), spec.name)


def _metrics(study: Study) -> list[Spec]:
    """The metrics and tasks of a study; those that are not here have no text that could have changed."""
    found = []
    for text in study.metrics:
        try:
            found.append(metric_or_task(text))
        except (DistaffError, SyntaxError):
            continue
    return found
