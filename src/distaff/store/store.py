"""The store: a folder with a folder for each run, written whole or not at all, never edited; tables are its caches.

docs/store.md describes every file of it.
"""

from __future__ import annotations

import functools
import io
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from distaff.atomic import process_token, publish_folder, write
from distaff.errors import DistaffError
from distaff.plugins.registry import CRITICS, DATASETS, METHODS, NETWORKS, Registry
from distaff.plugins.spec import Spec
from distaff.runs import Optim, Run
from distaff.store.files import damaged, digest, sealed
from distaff.store.files import read_json as read_json  # noqa: PLC0414  (others take it from here)
from distaff.store.provenance import provenance as provenance  # noqa: PLC0414  (others take it from here)

if TYPE_CHECKING:
    import polars as pl

    from distaff.trained import Model
    from distaff.training.fit import Trained
    from distaff.types import Params

CURVE_END = 0.1  # the share of a curve whose mean is the result of training
FORMAT = 2  # 1 had no checksums; it is read as well


@dataclass(frozen=True)
class Store:
    """The results of a study under `folder`: runs/<id>/, failed/<id>.json, and packs/ for what is in progress."""

    folder: Path

    def run_folder(self, id: str) -> Path:
        """Where the results of run `id` stand."""
        return self.folder / "runs" / id

    def has(self, id: str) -> bool:
        """Whether run `id` is complete: a folder appears only when all its files are there."""
        return self.run_folder(id).is_dir()

    def failure(self, id: str) -> str | None:
        """Why run `id` failed, or None."""
        path = self.folder / "failed" / f"{id}.json"
        return str(read_json(path)["reason"]) if path.exists() else None

    def fail(self, run: Run, reason: str, name: str | None = None, trace: str | None = None) -> None:
        """Record why `run` failed, or its scoring `name`; `distaff study retry` forgets it."""
        record = {"format": FORMAT, "run": run_record(run), "reason": reason, **({"trace": trace} if trace else {})}
        write(self.folder / "failed" / f"{name or run.id}.json", sealed(record))

    def put(self, trained: Trained, seconds: float, more: Mapping[str, Any] | None = None) -> None:
        """Store the result of training: as a run, or as a failure with the update at which it stopped being finite.

        `seconds` is this run's share of the time, and `more` is recorded beside it in provenance.json.
        """
        import polars as pl
        from safetensors.torch import save

        run = trained.run
        if trained.diverged is not None:
            self.fail(run, f"not finite at update {trained.diverged}")
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
        record = {
            **provenance(),
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
        import polars as pl

        content = _whole(self._existing(id), "curve.parquet")
        try:
            return pl.read_parquet(content)
        except pl.exceptions.PolarsError as error:
            raise damaged(self.run_folder(id) / "curve.parquet", error) from error

    def _existing(self, id: str) -> Path:
        folder = self.run_folder(id)
        if not folder.is_dir():
            raise DistaffError(
                f"there is no run {id!r} in {self.folder}: `distaff study status` lists the runs of a study"
            )
        return folder


def run_in(folder: Path) -> Run:
    """The run in a folder that holds its run.json, in a store or not."""
    return run_from_record(read_json(folder / "run.json"))


def model_in(folder: Path) -> Model:
    """The model in a run's folder, in a store or not; raises `DistaffError` if a file is damaged."""
    from distaff.trained import Model

    return Model(run_in(folder), params_in(folder))


def params_in(folder: Path) -> Params:
    """The weights in a run's folder, in a store or not; raises `DistaffError` if the file is damaged."""
    from safetensors import SafetensorError
    from safetensors.torch import load

    content = _whole(folder, "model.safetensors")
    try:
        return load(content)
    except SafetensorError as error:
        raise damaged(folder / "model.safetensors", error) from error


def _whole(folder: Path, name: str) -> bytes:
    """The bytes of a file of a run, after a look at the checksum that its provenance holds."""
    path = folder / name
    try:
        content = path.read_bytes()
    except OSError as error:
        raise damaged(path, error) from error
    recorded = read_json(folder / "provenance.json").get("files", {}).get(name)
    if recorded is not None and recorded != digest(content):
        raise damaged(path, "its checksum does not match")
    return content


def _parquet(frame: pl.DataFrame) -> bytes:
    content = io.BytesIO()
    frame.write_parquet(content)
    return content.getvalue()


def run_record(run: Run) -> dict[str, Any]:
    """The run as JSON: texts of its plug-ins, and numbers."""
    return {
        "id": run.id,
        "dataset": str(run.dataset),
        "method": str(run.method),
        "network": str(run.network),
        "critic": str(run.critic) if run.critic else None,
        "optim": asdict(run.optim),
        "critic_optim": asdict(run.critic_optim),
        **{name: getattr(run, name) for name in ("batch", "updates", "precision", "seed")},
    }


def run_from_record(record: Mapping[str, Any]) -> Run:
    """The run that `run_record` wrote; raises `DistaffError` if it no longer has the id that it had."""
    try:
        run = Run(
            parse_cached(DATASETS, record["dataset"]),
            parse_cached(METHODS, record["method"]),
            parse_cached(NETWORKS, record["network"]),
            parse_cached(CRITICS, record["critic"]) if record["critic"] else None,
            Optim(**record["optim"]),
            Optim(**record["critic_optim"]),
            **{name: record[name] for name in ("batch", "updates", "precision", "seed")},
        )
    except (KeyError, TypeError) as error:
        raise DistaffError(f"the record of run {record.get('id')} is not complete: {error}") from error
    if run.id != record["id"]:
        raise DistaffError(
            f"run {record['id']} was edited, or made by another version of its method: it is now {run.id}"
        )
    return run


def curve_end_means(curve: pl.DataFrame) -> dict[str, float]:
    """Means over the last tenth of a curve: `kl`, `nll` and `elbo`, in nats, as far as the method has them."""
    last = curve.tail(max(1, round(CURVE_END * len(curve))))
    of_latents = [last[name].mean() for name in last.columns if name.startswith("kl.")]
    kl = sum(float(mean) for mean in of_latents if isinstance(mean, float))
    nll = last["term.nll"].mean() if "term.nll" in last.columns else None
    if not isinstance(nll, float):
        return {"kl": kl}
    return {"nll": nll, "kl": kl, "elbo": -(nll + kl)}


@functools.lru_cache(maxsize=4096)
def parse_cached(registry: Registry, text: str) -> Spec:
    """`registry.parse(text)`, once for each text: a study holds the same few hundred texts thousands of times."""
    return registry.parse(text, stored=True)
