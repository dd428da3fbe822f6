"""What a reader of numbers has to know of them: scores that are left out, and results of several texts of a plug-in."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from distaff.plugins.recorded import version_of
from distaff.runs import Run, Study
from distaff.scoring.protocol import evaluations_of, protocol_of
from distaff.scoring.score_columns import left_out
from distaff.store.changes import changes, mixtures
from distaff.store.store import Store


def notices_of_store(store: Store, runs: Sequence[Run]) -> list[str]:
    """A line for each thing to know of the table of `runs`, all of them in `store`."""
    return [*left_out(store, [run.id for run in runs]), *mixtures(store, runs)]


def notices_of_study(study: Study, store: Store) -> list[str]:
    """A line for each thing to know of the table of `study`: what is out of date in it, and what is mixed."""
    runs = [run for run in study.runs if store.has(run.id)]
    if not study.metrics:
        return notices_of_store(store, runs)
    return [*changes(study, store), *out_of_date(study, store), *mixtures(store, runs)]


def out_of_date(study: Study, store: Store) -> list[str]:
    """A line for each metric of which runs have scores of another version alone: tables leave them out."""
    current = {str(spec): spec.identity for spec in protocol_of(study, store).metrics}
    ids = [run.id for run in study.runs if store.has(run.id)]
    files = {id: sorted(path.name for path in store.run_folder(id).glob("scores-*.json")) for id in ids}
    evaluations = evaluations_of(store, files)
    only_other: dict[tuple[str, str], int] = defaultdict(int)
    for names in files.values():
        known: dict[str, set[str]] = defaultdict(set)
        for evaluation in (evaluations[name] for name in names):
            for text, identity in evaluation.metrics.items() if evaluation.sampling == study.sampling else ():
                known[text].add(identity)
        for text in current.keys() & known.keys():
            if current[text] not in known[text]:
                only_other[text, max(known[text])] += 1
    return [
        f"scores of {text} of version {version_of(identity)} ({count} run{'s' if count > 1 else ''}) are left out: "
        f"version {version_of(current[text])} is here; `distaff study run` evaluates them again"
        for (text, identity), count in sorted(only_other.items())
    ]
