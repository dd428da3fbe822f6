"""What a user writes, with every call that the package offers by name: type checkers read it, nobody runs it."""

from pathlib import Path

import numpy as np

import distaff
from distaff.data import Dataset, load
from distaff.methods import Outputs, Terms, beta_vae, method
from distaff.metrics import Score, dci, metric, mig
from distaff.reports import Figure, total_correlation
from distaff.tasks import downstream
from distaff.types import Hyper

codes, factors = np.zeros((10, 2)), np.zeros((10, 2), dtype=np.int64)
scores: list[Score] = [mig(codes, factors, bins=10), dci(codes, factors, seed=0), downstream(codes, factors, labels=5)]
value: float = float(distaff.evaluate("mig(bins=10)", codes, factors, rows=5, test_rows=5))
toy: Dataset = load("toy")

optim = distaff.Optim(lr=1e-3)
one: distaff.Run = distaff.run("toy", "beta_vae(beta=4)", "mlp(width=8, latents=3)", updates=20, optim=optim)
model = distaff.train(one, Path("out"), device="cpu")
means = distaff.encode(model).mean
images = model.decode(means[:8])
latents: int = distaff.load(Path("out/runs") / one.id).latents

runs = distaff.cross(["toy"], distaff.sweep("beta_vae", "beta", [1, 4]), range(3), updates=20)
study = distaff.Study("mine", runs, metrics=("mig",))
if distaff.run_study(study, "out/mine", workers=1).empty:
    table = distaff.table(study, "out/mine")
    verdicts = distaff.claims(table)["verdict"].to_list()
    figure: Figure = total_correlation(table)
    page: Path = distaff.report(study, "out/mine", formats=("svg",))


@method(paper="https://example.org")
def mine(out: Outputs, *, weight: Hyper = 2.0) -> Terms:
    """A method of one's own, from one that is there."""
    return {**beta_vae(out, beta=weight), "mean": out.mean.square().sum()}


@metric(paper="https://example.org", rows=1_000, range=(0, 1))
def spread(codes: np.ndarray, *, power: float = 2.0) -> Score:
    """A metric of one's own."""
    return Score(float((np.abs(codes) ** power).mean()))
