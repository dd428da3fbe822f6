"""Every mistake in a plug-in is one line that names it, the place in its file, and what the contract says."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from distaff.errors import PluginError
from distaff.metrics.evaluate import evaluate
from distaff.plugins.contract import violations
from distaff.plugins.kinds import CONTRACTS
from distaff.plugins.registry import KINDS
from distaff.reports.charts.figure_files import FigureJob, compute_figure
from distaff.runs import run
from distaff.training.fit import fit

NETWORK = "mlp(width=8, latents=3)"

METHOD = """
import random

import numpy as np
import torch

from distaff.methods import Outputs, Terms, method
from distaff.types import Hyper

@method(paper="none"{marks})
def mine(out: Outputs{arguments}) -> Terms:
    '''Mine.'''
    return {returned}
"""
METRIC = """
import numpy as np

from distaff.metrics import Score, metric

@metric(paper="none", rows=1000, range=(0, 1){marks})
def mine({arguments}):
    '''Mine.'''
    return {returned}
"""
TASK = METRIC.replace("distaff.metrics", "distaff.tasks").replace("metric", "task")
DATASET = """
import numpy as np

from distaff.data import Dataset, Factors, dataset

@dataset(source="none", licence="none"{marks})
def mine():
    '''Mine.'''
    return Dataset("mine", Factors(("shape", "x"), (3, 8)), (16, 16, 1), images=lambda rows: {returned})
"""
NETWORK_FILE = """
import torch
from torch import nn
from torch.nn import functional

from distaff.networks import VAE, network

class Odd(nn.Module):
    def forward(self, x):
        return {odd}

@network(paper="none")
def mine(shape, *, {arguments}):
    '''Mine.'''
    h, w, c = shape
    latents = 3
    with torch.device("meta"):
        encoder = nn.Sequential(nn.Flatten(-3), nn.Linear(h * w * c, {wide}), {between} nn.Linear({wide}, 2 * latents))
        decoder = nn.Sequential(nn.Linear(latents, {pixels}), nn.Unflatten(-1, {image}))
        return {returned}
"""
CRITIC = """
import torch
from torch import nn

from distaff.networks import network

@network(paper="none")
def mine(latents, *, width: int = 4):
    '''Mine.'''
    with torch.device("meta"):
        return nn.Linear(latents, {logits})
"""
FIGURE = """
import polars as pl

from distaff.reports import Figure, figure

@figure(title="t", question="q", reading="r", interval="i"{marks})
def mine(table):
    '''Mine.'''
    return {returned}
"""


def method(
    returned: str = "{'nll': out.nll, 'kl': beta * out.kl}", arguments: str = ", *, beta: Hyper = 4.0", marks: str = ""
) -> str:
    return METHOD.format(returned=returned, arguments=arguments, marks=marks)


def metric(returned: str = "Score(0.5)", arguments: str = "codes, factors", marks: str = "") -> str:
    return METRIC.format(returned=returned, arguments=arguments, marks=marks)


def task(returned: str) -> str:
    return TASK.format(returned=returned, arguments="codes, factors", marks="")


def dataset(returned: str = "np.zeros((len(rows), 16, 16, 1), np.uint8)", marks: str = "") -> str:
    return DATASET.format(returned=returned, marks=marks)


def network(**changed: str) -> str:
    parts = {
        "odd": "x", "arguments": "latents: int = 3", "wide": "8", "between": "", "pixels": "h * w * c",
        "image": "(c, h, w)", "returned": "VAE(encoder, decoder)",
    }  # fmt: skip
    return NETWORK_FILE.format(**(parts | changed))


def figure(returned: str, marks: str = ", order=1") -> str:
    return FIGURE.format(returned=returned, marks=marks)


NORM = "nn.BatchNorm1d(8),"
MISTAKES: dict[str, tuple[str, str, int, str]] = {
    # methods
    "a forgotten star": ("methods", method(arguments=", beta: Hyper = 4.0"), 11,
        r"beta can be given without its name, so it is no hyperparameter: write `\*,` before beta"),
    "a hyperparameter without a type": ("methods", method(arguments=", *, beta=4.0"), 11,
        r"the hyperparameter beta has no type: annotate it with Hyper, float, int, bool, str, tuple\[\.\.\.\] or"),
    "a hyperparameter of a wrong type": ("methods", method(arguments=", *, beta: np.ndarray = 4.0"), 11,
        r"the hyperparameter beta has the type np\.ndarray: annotate it with Hyper"),
    "a default of another type": ("methods", method(arguments=", *, beta: Hyper = 'x'"), 11,
        r"the default of beta does not fit its type; mine: beta='x' is not valid: expected a finite number"),
    "a default that is computed": ("methods", method(arguments=", *, beta: Hyper = 2 * np.pi"), 11,
        r"the default of beta is neither a literal nor the name of one in this file: write its value"),
    "hyperparameters that are collected": ("methods", method(arguments=", **rest"), 11,
        r"it takes \*arguments or \*\*keywords: hyperparameters are named one by one"),
    "a mark that there is not": ("methods", method(marks=", lable='Mine'"), 11,
        r"unknown mark of @method 'lable'\. Did you mean 'label'\?"),
    "a mark of another type": ("methods", method(marks=", version='two'"), 11,
        r"the mark version='two' is of another type: expected int"),
    "a mark that is computed": ("methods", method(marks=", version=max(1, 2)"), 11,
        r"the mark version is read without running the file: write its value, int, itself"),
    "a range of another parameter": ("methods", method(marks=", ranges={'gamma': '[0, inf)'}"), 11,
        r"the mark ranges names gamma, which is no hyperparameter of it"),
    "a range that is none": ("methods", method(marks=", ranges={'beta': 'positive'}"), 11,
        r"the range of beta does not fit it: 'positive' is not a range: write it as '\[0, inf\)'"),
    "a default outside its range": ("methods", method(marks=", ranges={'beta': '(5, inf)'}"), 11,
        r"the range of beta does not fit it: mine: beta=4 is outside its range, which is \(5, inf\)"),
    "a method under another decorator": ("methods", metric(), 7,
        r"the function mine needs the decorator line @method\(\.\.\.\); it stands under @metric"),
    "no decorator": ("methods", "def mine(out, *, beta: float = 1.0):\n    return {}\n", 1,
        r"the function mine needs the decorator line @method\(\.\.\.\); it has none"),
    "a decorator without its marks": ("methods",
        "from distaff.methods import method\n\n@method\ndef mine(out):\n    return {}\n", 4,
        r"the function mine needs the decorator line @method\(\.\.\.\); @method lacks its marks"),
    "no function of the file's name": ("methods", method().replace("def mine", "def other"), 1,
        r"the file must define a function of its own name, mine; it defines other under @method: name the file other"),
    "a syntax error": ("methods", method(returned="{'nll': out.nll,, }"), 13, r"the file is not Python \("),
    "an import that fails": ("methods", method().replace("import random", "import a_library_that_is_missing"), 2,
        r"ModuleNotFoundError: No module named 'a_library_that_is_missing'"),
    "a term of a wrong shape": ("methods", method("{'nll': out.nll, 'kl': beta * out.mean.square()}"), 11,
        r"the term kl is a tensor of float32 \[32, 10\], not a scalar tensor: take a sum, or a mean over the batch"),
    "a term that is a number": ("methods", method("{'nll': out.nll, 'kl': 1.0}"), 11,
        r"the term kl is float 1\.0, not a scalar tensor"),
    "a loss without terms": ("methods", method("out.nll + beta * out.kl"), 11,
        r"it returned a tensor of float32 \[\], not terms by name"),
    "a term without a name": ("methods", method("{0: out.nll, 'kl': beta * out.kl}"), 11,
        r"it returned a term named 0: names are texts"),
    "a term that is not finite": ("methods", method("{'nll': out.nll, 'kl': beta * out.kl / out.step}"), 11,
        r"the term kl is inf on ordinary codes at update 0: terms are finite"),
    "a loss that nothing learns from": ("methods", method("{'kl': beta * out.kl.detach()}"), 11,
        r"no term depends on the model, so that nothing could be learned"),
    "noise of torch": ("methods", method("{'nll': out.nll + torch.randn(()), 'kl': beta * out.kl}"), 11,
        r"it draws noise of its own: request it by @method\(noise=True\), and take it from out\.noise"),
    "noise of numpy": ("methods", method("{'nll': out.nll + np.random.randn(), 'kl': beta * out.kl}"), 11,
        r"it draws noise of its own"),
    "noise of Python": ("methods", method("{'nll': out.nll + random.random(), 'kl': beta * out.kl}"), 11,
        r"it draws noise of its own"),
    "noise that is always the same": ("methods",
        method("{'nll': out.nll + torch.manual_seed(0).initial_seed() + torch.rand(()), 'kl': beta * out.kl}"), 11,
        r"it draws noise of its own"),
    "a loss of one model only": ("methods",
        method("{'nll': out.nll, 'kl': beta * out.kl * (1.0 if out.kl > 0 else 2.0)}"), 13,
        r"it does not work for several models at once, under torch\.func\.vmap"),
    "a method that raises": ("methods", method("{'nll': out.nll, 'kl': beta * out.kl / zero}"), 13,
        r"NameError: name 'zero' is not defined"),
    # data sets
    "floats in [0, 1]": ("data", dataset("np.zeros((len(rows), 16, 16, 1))"), 7,
        r"images\(rows\) returned float64 in \[0, 1\], not uint8 from 0 to 255: multiply by 255 and convert to uint8"),
    "floats up to 255": ("data", dataset("np.full((len(rows), 16, 16, 1), 255.0)"), 7,
        r"images\(rows\) returned float64, not uint8 from 0 to 255: convert to uint8"),
    "bytes of 0 and 1": ("data", dataset("np.ones((len(rows), 16, 16, 1), np.uint8)"), 7,
        r"images\(rows\) holds only 0 and 1: bytes are from 0 to 255, so multiply by 255"),
    "images without channels": ("data", dataset("np.zeros((len(rows), 16, 16), np.uint8)"), 7,
        r"images\(rows\) returned \[64, 16, 16\] for 64 rows, not \[64, 16, 16, 1\]: add the axis of channels"),
    "channels first": ("data", dataset("np.zeros((len(rows), 1, 16, 16), np.uint8)"), 7,
        r"images\(rows\) returned \[64, 1, 16, 16\] for 64 rows, not \[64, 16, 16, 1\]: channels come last"),
    "images of another size": ("data", dataset("np.zeros((len(rows), 16, 8, 1), np.uint8)"), 7,
        r"images\(rows\) returned \[64, 16, 8, 1\] for 64 rows, not \[64, 16, 16, 1\], which its shape says"),
    "one image for all rows": ("data", dataset("np.zeros((1, 16, 16, 1), np.uint8)"), 7,
        r"images\(rows\) returned \[1, 16, 16, 1\] for 64 rows"),
    "images in a list": ("data", dataset("[np.zeros((16, 16, 1), np.uint8) for _ in rows]"), 7,
        r"images\(rows\) returned a list, not an array"),
    "fewer images than grid rows": ("data", dataset("np.zeros((9, 16, 16, 1), np.uint8)[rows]"), 9,
        r"IndexError: index \d+ is out of bounds"),
    "factors that do not fit": ("data", dataset().replace('("shape", "x"), (3, 8)', '("shape", "x"), (3, 0)'), 7,
        r"its factors have the sizes \(3, 0\): each takes at least one value"),
    "no Dataset": ("data", dataset().replace("return Dataset(", "return dict(a=1) or Dataset("), 7,
        r"it returned a dict, not a Dataset"),
    "no licence": ("data", dataset().replace(', licence="none"', ""), 7, r"@dataset\(\.\.\.\) lacks the mark licence"),
    # networks
    "no latents": ("networks", network(arguments="width: int = 3"), 13, r"it lacks the hyperparameter latents: int"),
    "BatchNorm": ("networks", network(between=NORM), 13,
        r"it cannot be trained: its BatchNorm1d keeps running statistics"),
    "Dropout": ("networks", network(between="nn.Dropout(0.5),"), 13,
        r"it cannot be trained: its Dropout draws random numbers that are not those of the run's seed"),
    "statistics of the batch": ("networks",
        network(odd="functional.batch_norm(x, None, None, training=True)", between="Odd(),"), 13,
        r"it cannot be trained: what it makes of an image depends on the others of its batch"),
    "dropout in a function": ("networks", network(odd="functional.dropout(x, 0.5)", between="Odd(),"), 13,
        r"it cannot be trained: it draws random numbers that are not those of the run's seed"),
    "an encoder of another width": ("networks", network(arguments="latents: int = 4"), 13,
        r"built for images 16 x 16 x 1, its encoder makes \[2, 6\] of two images, not \[2, 8\]"),
    "a decoder of another size": ("networks", network(pixels="9", image="(1, 3, 3)"), 13,
        r"built for images 16 x 16 x 1, its decoder makes \[2, 1, 3, 3\] of two codes, not \[2, 1, 16, 16\]"),
    "layers that do not fit": ("networks", network(between="nn.Linear(9, 8),"), 13,
        r"built for images 16 x 16 x 1, its encoder fails on two of them: RuntimeError"),
    "no VAE": ("networks", network(returned="encoder"), 13, r"it returned a Sequential, not a VAE\(encoder, decoder\)"),
    # critics
    "one logit": ("critics", CRITIC.format(logits="1"), 8,
        r"it makes a tensor \[2, 1\] of two codes of 3 latents, not logits \[2, 2\]"),
    # metrics and tasks
    "a metric that returns a float": ("metrics", metric("0.5"), 7,
        r"it returned a float, not a Score: write Score\(0\.5\)"),
    "a score of numpy's": ("metrics", metric("Score(np.float32(0.5))"), 7,
        r"its value is a float32, not a float: write float\(\.\.\.\)"),
    "a score outside its range": ("metrics", metric("Score(7.0)"), 7,
        r"its value is 7, outside the range=\(0, 1\) that its decorator declares"),
    "an infinite score": ("metrics", metric("Score(float('inf'))"), 7,
        r"its value is inf: a score is finite, or has a"),
    "parts that are arrays": ("metrics", metric("Score(0.5, {'a': codes})"), 7,
        r"its part a is a ndarray, not a float"),
    "a metric that raises": ("metrics", metric("Score(1 / 0)"), 9, r"ZeroDivisionError: division by zero"),
    "options without a star": ("metrics", metric(arguments="codes, factors, bins: int = 20"), 7,
        r"bins can be given without its name, so it is no hyperparameter: write `\*,` before bins"),
    "other names for what it is given": ("metrics", metric(arguments="z, v"), 7,
        r"v can be given without its name"),
    "rows that are none": ("metrics", metric(marks="").replace("rows=1000", "rows='all'"), 7,
        r"the mark rows='all' is neither a number of rows, from 1 on, nor 'grid'"),
    "a range the wrong way round": ("metrics", metric().replace("(0, 1)", "(1, 0)"), 7,
        r"the mark range=\(1, 0\) is not \(least, most\)"),
    "a task that returns a pair": ("tasks", task("0.5, {}"), 7, r"it returned a tuple, not a Score"),
    # figures
    "a figure without order": ("figures", figure("None", marks=""), 7, r"@figure\(\.\.\.\) lacks the mark order: int"),
    "a figure that is a frame": ("figures", figure("table"), 7,
        r"it returned a DataFrame, not a Figure\(frame, charts"),
    "a figure without charts": ("figures", figure("Figure(table, {}, '3 runs')"), 7, r"its charts are dict \{\}, not"),
    "a figure of a list": ("figures", figure("Figure([1], {'a': 1}, '3 runs')"), 7,
        r"its frame is a list, not a polars DataFrame"),
    "a figure that raises": ("figures", figure("Figure(table['nowhere'], {}, '')"), 9,
        r"ColumnNotFoundError: .*nowhere"),
}  # fmt: skip

VALUES = np.stack(np.unravel_index(np.arange(600) % 60, (3, 4, 5)), axis=1)


def scored() -> object:
    return evaluate("mine", VALUES + 0.5, VALUES)


USES: dict[str, Callable[[], object]] = {
    "methods": lambda: fit((run("toy", "mine", NETWORK, updates=1),)),
    "data": lambda: fit((run("mine", "beta_vae", NETWORK, updates=1),)),
    "networks": lambda: fit((run("toy", "beta_vae", "mine", updates=1),)),
    "critics": lambda: fit((run("toy", "factor_vae", NETWORK, "mine", updates=1),)),
    "metrics": scored,
    "tasks": scored,
    "figures": lambda: compute_figure(FigureJob("mine", "toy"), pl.DataFrame({"metric": ["mig"]}), {}),
}


def written(folder: Path, plural: str, text: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = folder / plural / "mine.py"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    monkeypatch.setenv("DISTAFF_PLUGINS", str(folder))
    return path


@pytest.mark.parametrize("name", MISTAKES)
def test_a_mistake_is_one_line_that_says_where_it_is_and_what_would_be_right(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plural, text, line, problem = MISTAKES[name]
    path = written(tmp_path, plural, text, monkeypatch)
    kind = KINDS[plural].kind
    with pytest.raises(PluginError) as error:
        USES[plural]()
    said = str(error.value)
    assert "\n" not in said
    begins, ends = f"{kind} mine ({path}:{line}): ", f"; {CONTRACTS[kind].words}"
    assert said.startswith(begins), said
    assert re.match(problem, said.removeprefix(begins)), said
    assert said.endswith(ends), said


@pytest.mark.parametrize("name", [name for name, (plural, *_) in MISTAKES.items() if plural in ("methods", "metrics")])
def test_what_is_wrong_shows_without_a_study(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    plural, text, _, problem = MISTAKES[name]
    written(tmp_path, plural, text, monkeypatch)
    lines = violations(KINDS[plural], "mine")
    assert any(re.search(problem, line) for line in lines), lines


RIGHT = {
    "methods": method(),
    "metrics": metric(),
    "tasks": task("Score(0.5)"),
    "data": dataset(),
    "networks": network(),
    "critics": CRITIC.format(logits="2"),
    "figures": figure("Figure(table, {'a': __import__('altair').Chart(table)}, '3 runs')"),
}


@pytest.mark.parametrize("plural", RIGHT)
def test_a_plug_in_without_mistakes_is_used(plural: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    written(tmp_path, plural, RIGHT[plural], monkeypatch)
    assert violations(KINDS[plural], "mine") == []
    USES[plural]()
