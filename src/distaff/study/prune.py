"""A smaller store: weights dropped, files of scores merged, and what interrupted work left behind removed."""

from __future__ import annotations

import functools
import shutil
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from distaff.atomic import ASIDE, write
from distaff.errors import DistaffError
from distaff.plugins.spec import content_id
from distaff.runs import Study
from distaff.scoring.protocol import ScoreFiles, is_failed, protocol_of, sampling_key, spec_text
from distaff.seal import FORMAT, sealed
from distaff.store.changes import evaluations_in
from distaff.store.files import read_json
from distaff.store.formats import readable
from distaff.store.listing import listing
from distaff.store.store import Store
from distaff.store.studies import read_study, studies_of
from distaff.study.leases import leases_of
from distaff.weather import names_in, remove, retrying


class Pruned(NamedTuple):
    """The bytes that are free now, and for each other study the runs whose weights were kept, as it needs them."""

    bytes: int
    kept: dict[str, list[str]]


def prune(store: Store, study: Study, ids: Iterable[str]) -> Pruned:
    """Drop the weights of runs of `study`, but for those that another study of the store needs for its evaluation.

    Raises `DistaffError` where `study` itself needs them.
    """
    readable(store)
    ids = frozenset(ids)
    if unscored := weights_needed(store, study, ids):
        raise DistaffError(f"{len(unscored)} of these runs are not scored yet, and cannot be without their weights")
    kept: dict[str, list[str]] = {}
    for path in studies_of(store.folder):
        other = read_study(path)
        if other.name != study.name and (needed := weights_needed(store, other, ids)):
            kept[other.name] = needed
    return Pruned(drop_weights(store, sorted(ids.difference(*kept.values()))), kept)


def weights_needed(store: Store, study: Study, ids: frozenset[str]) -> list[str]:
    """The runs among `ids` that `study` has and has not evaluated in full, also where an evaluation failed."""
    stored, files = listing(store).runs, ScoreFiles(store, protocol_of(study, store))
    trained = [run.id for run in study.runs if run.id in ids and run.id in stored]
    return [id for id in trained if files.missing(id, _files_of_scores(store, id)).metrics]


def _files_of_scores(store: Store, id: str) -> list[str]:
    return [path.name for path in store.run_folder(id).glob("scores-*.json")]


def drop_weights(store: Store, ids: Iterable[str]) -> int:
    """Remove the weights of runs; curves, scores and checksums stay. Returns the bytes that are free now."""
    paths = [store.run_folder(id) / "model.safetensors" for id in ids]
    sizes = [(path, path.stat().st_size) for path in paths if path.exists()]
    for path, _ in sizes:
        path.unlink()
    return sum(size for _, size in sizes)


def compact(store: Store) -> int:
    """Merge the files of scores of each run, those of the same sizes and sampling; returns how many files went.

    Scores of two versions of a metric stay in two files.
    """
    readable(store)
    removed = 0
    for id in sorted(listing(store).runs):
        records = {path: read_json(path) for path in sorted(store.run_folder(id).glob("scores-*.json"))}
        groups: dict[tuple[Any, ...], list[Path]] = {}
        for path, record in records.items():
            if "asked" in record:  # format 1 does not record the protocol; such files stay
                groups.setdefault(tuple(sampling_key(record["asked"])), []).append(path)
        for group in groups.values():
            for paths in _compatible(group, records):
                if len(paths) > 1:
                    removed += _merge_scores(store, id, [records[path] for path in paths], paths)
    return removed


def _compatible(paths: Sequence[Path], records: Mapping[Path, dict[str, Any]]) -> list[list[Path]]:
    """Files of scores in groups within which no metric has two versions."""
    groups: list[tuple[dict[str, str], list[Path]]] = []
    for path in paths:
        metrics: dict[str, str] = records[path]["asked"]["metrics"]
        fits = (group for group in groups if all(group[0].get(text, one) == one for text, one in metrics.items()))
        known, group = next(fits, None) or ({}, [])
        if not group:
            groups.append((known, group))
        known |= metrics
        group.append(path)
    return [group for _, group in groups]


def remove_leftovers(store: Store, studies: Sequence[Study]) -> None:
    """Remove what dead workers left: leases, files never finished, checkpoints of packs that are done, spare codes.

    The checkpoint of a run that failed stays. Where anybody lives and works on the store, it is left alone.
    """
    from distaff.scoring.encoded import SUFFIX
    from distaff.study.checkpoints import remove_obsolete
    from distaff.study.plan import pack_id, packs_of

    leases = leases_of(store.folder)
    leases.remove_expired()
    if leases.held():
        return
    for place in (store.folder, *(store.folder / name for name in ("runs", "failed", "packs", "studies"))):
        for path in (place / name for name in names_in(place) if ASIDE.fullmatch(name)):
            retrying(functools.partial(_remove_aside, path))
    stored = listing(store)
    ended = stored.runs | stored.failed
    files = names_in(store.folder / "packs")
    for file in files:
        if file.endswith(SUFFIX):  # whoever still scores the run computes them
            remove(store.folder / "packs" / file)
    for study in studies:
        for pack in packs_of(study):
            name = pack_id(pack)
            if all(run.id in ended for run in pack) and any(file.startswith(name) for file in files):
                remove_obsolete(store, name, pack)
                for file in files:  # of the display, and of deaths that came to nothing
                    if file.startswith(name) and file.endswith((".progress", ".deaths")):
                        remove(store.folder / "packs" / file)


def _remove_aside(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _merge_scores(store: Store, id: str, records: list[dict[str, Any]], paths: list[Path]) -> int:
    metrics: dict[str, str] = {}
    rows: list[dict[str, Any]] = []
    for record in records:
        fresh = {text: identity for text, identity in record["asked"]["metrics"].items() if text not in metrics}
        rows += [row for row in record["scores"] if spec_text(row) in fresh and not is_failed(row)]
        metrics |= fresh
    failed = {
        (spec_text(row), row["representation"]): row for one in records for row in one["scores"] if is_failed(row)
    }
    rows += [row for (spec, _), row in failed.items() if spec not in metrics]
    protocol = {**records[0]["asked"], "metrics": metrics}
    path = store.run_folder(id) / f"scores-{content_id([list(metrics.values()), *sampling_key(protocol)])}.json"
    made = {"put_together": [made for record in records for made in evaluations_in(record)]}
    split = next((record["split"] for record in records if record.get("split", {}).get("test")), None)
    split = split or next((record["split"] for record in records if "split" in record), None)
    losses = next((record["losses"] for record in records if "losses" in record), None)
    merged = {"format": FORMAT, "run": id, "asked": protocol, "made": made}
    merged |= {name: value for name, value in (("split", split), ("losses", losses)) if value}
    write(path, sealed({**merged, "scores": rows}))
    old = [other for other in paths if other != path]
    for other in old:
        other.unlink()
    return len(old) - (path not in paths)
