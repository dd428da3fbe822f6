"""The store: a folder with a folder for each run, written whole or not at all, never edited; tables are its caches.

docs/store.md describes every file of it.
"""

from __future__ import annotations

import io
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distaff.atomic import process_token, publish_folder, write
from distaff.errors import DistaffError
from distaff.runs import Run
from distaff.seal import FORMAT, digest, sealed
from distaff.store.files import damaged, read_file, read_json
from distaff.store.provenance import provenance
from distaff.store.records import plugins_of, require_plugins, run_from_record, run_record
from distaff.store.sources import keep_plugins, sources
from distaff.untrusted.columns import read_numbers
from distaff.untrusted.reading import reading
from distaff.untrusted.regular import LARGEST
from distaff.weather import is_there

if TYPE_CHECKING:
    import polars as pl

    from distaff.trained import Model
    from distaff.training.fit import Trained
    from distaff.types import Params

CURVE_END = 0.1  # the share of a curve whose mean is the result of training
KINDS_OF_FAILURE = ("diverged", "plugin", "data", "memory", "died", "error")
DIVERGED_REASON = "not finite at update "  # by which a record that has no kind is known to be of a divergence


@dataclass(frozen=True)
class Store:
    """The results of a study under `folder`: runs/<id>/, failed/<id>.json, and packs/ for what is in progress."""

    folder: Path

    def run_folder(self, id: str) -> Path:
        """Where the results of run `id` stand."""
        return self.folder / "runs" / id

    def has(self, id: str) -> bool:
        """Whether run `id` is complete: a folder appears only when all its files are there."""
        return is_there(self.run_folder(id))

    def failure(self, id: str) -> str | None:
        """Why run `id` failed, or None."""
        record = self.failure_record(id)
        return None if record is None else str(record.get("reason", "its record gives no reason"))

    def failure_kind(self, id: str) -> str | None:
        """The kind of the failure of run `id`, one of `KINDS_OF_FAILURE`, or None."""
        record = self.failure_record(id)
        return None if record is None else kind_of_failure(record)

    def failure_record(self, id: str) -> dict[str, Any] | None:
        """The whole record of the failure of run `id`, or of a scoring, or None."""
        path = self.folder / "failed" / f"{id}.json"
        return read_json(path) if is_there(path) else None

    def fail(
        self,
        run: Run,
        reason: str,
        *,
        kind: str = "error",
        name: str | None = None,
        trace: str | None = None,
        checkpoint: str | None = None,
    ) -> None:
        """Record why `run` failed, or its scoring `name`; `distaff study retry` forgets it.

        `kind` is one of `KINDS_OF_FAILURE`; `checkpoint` is where its state stands, from which a retry goes on.
        """
        assert kind in KINDS_OF_FAILURE, kind
        record = {"format": FORMAT, "run": run_record(run), "kind": kind, "reason": reason}
        record |= {key: value for key, value in (("checkpoint", checkpoint), ("trace", trace)) if value}
        write(self.folder / "failed" / f"{name or run.id}.json", sealed(record))

    def put(self, trained: Trained, seconds: float, more: Mapping[str, Any] | None = None) -> None:
        """Store the result of training: as a run, or as a failure with the update at which it stopped being finite.

        `seconds` is this run's share of the time, and `more` is recorded beside it in provenance.json.
        """
        import polars as pl
        from safetensors.torch import save

        run = trained.run
        if trained.diverged is not None:
            self.fail(run, f"{DIVERGED_REASON}{trained.diverged}", kind="diverged")
            return
        if self.has(run.id):
            return
        curve = pl.DataFrame(trained.curve.numpy(), schema=list(trained.columns))
        curve = curve.select(column for column in curve if not column.is_nan().all())  # not the terms of its neighbours
        pace = pl.Series("milliseconds", trained.milliseconds, pl.Float32).fill_nan(None)
        contents = {
            "run.json": sealed({"format": FORMAT, **run_record(run), "ended": curve_end_means(curve)}),
            "curve.parquet": _parquet(curve.with_columns(pace)),
            "model.safetensors": save(trained.params, {"run": run.id}),
        }
        files = {name: digest(content) for name, content in contents.items()}
        plugins = [spec for spec in plugins_of(run).values() if spec]
        keep_plugins(self.folder, plugins)
        record = {
            "format": FORMAT,
            **provenance(),
            **sources(plugins),
            "precision": run.precision,
            "seconds": round(seconds, 3),
            "engine": trained.engine,
            **({"device": trained.device} if trained.device else {}),
            "milliseconds": pace.median(),
            **(more or {}),
            "files": files,
        }
        self.add(run.id, {**contents, "provenance.json": sealed(record)})

    def add(self, id: str, contents: Mapping[str, bytes]) -> None:
        """Let the folder of run `id` appear, with these files, unless it is there already."""
        aside = self.folder / "runs" / f".{id}.{process_token()}"
        try:
            for name, content in contents.items():
                write(aside / name, content)
            publish_folder(aside, self.run_folder(id))
        except OSError:
            shutil.rmtree(aside, ignore_errors=True)
            if not self.has(id):  # if it is there, another process was first, with the same numbers
                raise

    def run(self, id: str) -> Run:
        """The run that `id` names, from its run.json."""
        return run_in(self._existing(id))

    def provenance(self, id: str) -> dict[str, Any]:
        """Who made run `id`, with what, and in how many seconds."""
        return read_json(self._existing(id) / "provenance.json")

    def params(self, id: str) -> Params:
        """The weights of run `id`; raises `DistaffError` if the file is damaged."""
        return params_in(self._existing(id))

    def model(self, id: str) -> Model:
        """Run `id` with its weights; raises `DistaffError` if a file is damaged."""
        return model_in(self._existing(id))

    def curve(self, id: str) -> pl.DataFrame:
        """The training curve of run `id`; raises `DistaffError` if the file is damaged."""
        content = _whole(self._existing(id), "curve.parquet")
        try:
            return read_numbers(content, self.run_folder(id) / "curve.parquet")
        except DistaffError as error:
            raise damaged(self.run_folder(id) / "curve.parquet", error) from error

    def _existing(self, id: str) -> Path:
        folder = self.run_folder(id)
        if not is_there(folder):
            raise DistaffError(
                f"there is no run {id!r} in {self.folder}: `distaff study status` lists the runs of a study"
            )
        return folder


def kind_of_failure(record: Mapping[str, Any]) -> str:
    """The kind in a record of failure; those of earlier versions have none, and only a divergence shows."""
    of_reason = "diverged" if str(record.get("reason", "")).startswith(DIVERGED_REASON) else "error"
    return str(record.get("kind", of_reason))


def run_in(folder: Path) -> Run:
    """The run in a folder that holds its run.json, in a store or not."""
    with reading(folder / "run.json", "is no record of a run"):
        return run_from_record(read_json(folder / "run.json"))


def model_in(folder: Path) -> Model:
    """The model in a run's folder, in a store or not.

    Raises `DistaffError` if a file is damaged, or where its data set or its network is not here, or is of another
    version.
    """
    from distaff.trained import Model

    run = run_in(folder)
    require_plugins(run)
    return Model(run, params_in(folder))


def params_in(folder: Path) -> Params:
    """The weights in a run's folder, in a store or not; raises `DistaffError` if the file is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    content = _whole(folder, "model.safetensors")
    try:
        with reading("it", "cannot be read"):
            return load(content)
    except (SafetensorError, DistaffError) as error:
        raise damaged(folder / "model.safetensors", error) from error


def _whole(folder: Path, name: str) -> bytes:
    """The bytes of a file of a run, after a look at the checksum that its provenance holds."""
    path = folder / name
    recorded = read_json(folder / "provenance.json").get("files", {}).get(name)
    for _ in range(2):  # what a second look finds whole is not damaged
        content = read_file(path, LARGEST)
        if recorded is None or recorded == digest(content):
            return content
    raise damaged(path, "its checksum does not match")


def _parquet(frame: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.write_parquet(content)
    return content.getvalue()


def curve_end_means(curve: pl.DataFrame) -> dict[str, float]:
    """Means over the last tenth of a curve: `kl`, `nll` and `elbo`, in nats, as far as the method has them."""
    last = curve.tail(max(1, round(CURVE_END * len(curve))))
    of_latents = [last[name].mean() for name in last.columns if name.startswith("kl.")]
    kl = sum(float(mean) for mean in of_latents if isinstance(mean, float))
    nll = last["term.nll"].mean() if "term.nll" in last.columns else None
    if not isinstance(nll, float):
        return {"kl": kl}
    return {"nll": nll, "kl": kl, "elbo": -(nll + kl)}
