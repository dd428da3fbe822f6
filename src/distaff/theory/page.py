"""The theorem as a page that opens from disk."""

from __future__ import annotations

from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from distaff.atomic import write
from distaff.draws import generator
from distaff.errors import DistaffError
from distaff.pictures.model import encode_sample
from distaff.pictures.sheet import save_png
from distaff.plugins.registry import METRICS
from distaff.theory import illustrations
from distaff.theory.demonstration import Demonstration, demonstrate
from distaff.theory.impossibility import NORMAL, UNIFORM, Floats, householder, spread
from distaff.theory.rotated import Twins, twins
from distaff.trained import Model
from distaff.untrusted.markup import escape, filled, page_policy


def cases() -> dict[str, tuple[Any, Floats]]:
    """The demonstrations of the page: a name, a prior and a matrix."""
    draws = generator("theory.cases", 0)
    return {
        "2 latents, uniform, Householder α = .3": (UNIFORM, householder(2)),
        "2 latents, normal, Householder α = .3": (NORMAL, householder(2)),
        "4 latents, uniform, Householder α = .25": (UNIFORM, householder(4, 0.25)),
        "10 latents, uniform, Householder α = .3": (UNIFORM, householder(10)),
        "10 latents, uniform, entries spread evenly": (UNIFORM, spread(10, draws)),
    }


def build(model: Model, out: Path, draws: int = 10_000) -> Path:
    """Write the page of Theorem 1, shown on `draws` of priors and on a trained model, to `out`; return its index.html.

    Raises `DistaffError` where the [report] extra is missing.
    """
    try:
        import vl_convert
    except ImportError as error:
        raise DistaffError("the page needs the extra of reports: pip install 'distaff[report]'") from error
    sample = encode_sample(model)
    turn = spread(sample.codes.mean.shape[1], generator("theory.turn", 0))
    pair = twins(model, turn)
    write(out / "stirred.png", vl_convert.vegalite_to_png(illustrations.stirred(householder(2)), scale=2))
    save_png(illustrations.images(pair), out / "images.png")
    save_png(illustrations.moved(sample, turn), out / "moved.png")
    shown = {name: demonstrate(a, prior, n=draws) for name, (prior, a) in cases().items()}
    parts = {
        "draws": f"{draws:,}",
        "style": files("distaff.reports.pages").joinpath("page.css").read_text("utf-8"),
        "cases": "".join(_case(name, result) for name, result in shown.items()),
        "policy": escape(page_policy()),
        "model": escape(f"{model.run.method} on {model.run.dataset}, seed {model.run.seed}"),
        "least": f"{np.abs(turn).min():.2f}",
        **_twins(pair),
    }
    template = files("distaff.theory").joinpath("page.html").read_text("utf-8")
    return write(out / "index.html", filled(template, parts).encode())


def _case(name: str, result: Demonstration) -> str:
    same = (
        f"{result.least:.1g}",
        f"{result.after.ks:.2f}",
        f"{result.after.correlation:.3f}",
        f"{result.after.energy:.2f}",
    )
    return _row(name, [*same, *(f"{before:.2f} → {after:.2f}" for before, after in result.scores.values())])


def _twins(pair: Twins) -> dict[str, str]:
    first, second = pair.pixels
    rows = [_row(_short(name), [f"{before:.3f}", f"{after:.3f}"]) for name, (before, after) in pair.scores.items()]
    rows.append(_row("ELBO, nats an image", [f"{pair.elbo.mean():.6f}", f"{pair.turned_elbo.mean():.6f}"]))
    return {
        "twins": "".join(rows),
        "logits": f"{np.abs(pair.logits - pair.turned_logits).max():.1e}",
        "differ": f"{(first != second).sum():,} of {first.size:,}",
        "elbos": f"{np.abs(pair.elbo - pair.turned_elbo).max():.1e}",
        "gap": f"{pair.diagonal_gap:.2f}",
    }


def _row(name: str, columns: Iterable[str]) -> str:
    numbers = "".join(f'<td class="num">{escape(text)}</td>' for text in columns)
    return f"<tr><td>{escape(name)}</td>{numbers}</tr>"


def _short(metric: str) -> str:
    """What a metric is called where there is little room: by its symbol, or its label."""
    marks = METRICS.plugin(metric).marks
    return str(marks.get("symbol") or marks["label"])
