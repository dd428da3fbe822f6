"""Whatever library arrays come from, and whatever holds the codes, the numbers are the same."""

import functools
import subprocess
import sys

import numpy as np
import polars as pl
import pytest
import torch

from distaff.errors import DistaffError
from distaff.metrics import beta_vae_score, dci, explicitness, factor_vae_score, mig, sap
from distaff.plugins.registry import METRICS
from distaff.tasks import fairness, strong_downstream

CELLS = np.stack(np.meshgrid(np.arange(2), np.arange(3), np.arange(5), indexing="ij"), -1).reshape(-1, 3)
FACTORS = np.tile(CELLS, (10, 1))
CODES = (FACTORS + 0.1 * np.random.default_rng(0).normal(size=FACTORS.shape)).astype(np.float32)
NAMES = ["shape", "size", "angle"]


@pytest.mark.parametrize("name", ["mig", "dci", "sap", "beta_vae_score"])
def test_pandas_gives_the_number_of_numpy(name):
    pandas = pytest.importorskip("pandas")
    frames = pandas.DataFrame(CODES), pandas.DataFrame(FACTORS, columns=NAMES)
    function = functools.partial(METRICS.function(name), **METRICS.plugin(name).marks.get("quick", {}))
    assert float(function(*frames)) == float(function(CODES, FACTORS))


def test_names_of_columns_name_the_parts():
    frame = pl.DataFrame(FACTORS, schema=NAMES)
    for score in (mig, sap):
        assert list(score(CODES, frame).parts) == NAMES
    assert "completeness_angle" in dci(CODES, frame).parts
    assert "size" in explicitness(CODES, frame).parts
    assert "strong_test_shape" in strong_downstream(CODES, frame, labels=100, test=50).parts


def test_words_and_numbers_may_stand_side_by_side():
    words = np.array(["ellipse", "square"])[FACTORS[:, 0]]
    frame = pl.DataFrame({"shape": words, "size": FACTORS[:, 1], "angle": FACTORS[:, 2] / 7})
    assert float(mig(CODES, frame)) == float(mig(CODES, FACTORS))
    with pytest.raises(DistaffError, match="factor 0 holds missing values"):
        mig(CODES[:3], pl.DataFrame({"shape": ["a", None, "b"], "size": [1, 2, 3]}))


@pytest.mark.parametrize("score", [beta_vae_score, factor_vae_score])
def test_codes_may_be_made_on_demand(score):
    sizes = []

    def sample(factors):
        sizes.append(len(factors))
        return torch.tensor(factors * [1.0, 2.0, -1.0], dtype=torch.float64)

    expected = score(CELLS * [1.0, 2.0, -1.0], CELLS, train=300, test=100)
    assert float(score(sample, CELLS, train=300, test=100)) == float(expected)
    assert max(sizes) <= 4096
    with pytest.raises(DistaffError, match="codes were returned for"):
        score(lambda factors: factors[:3], CELLS, train=300, test=100)
    with pytest.raises(DistaffError, match="a function of factors"):
        score(3, CELLS)


def test_tasks_that_intervene_take_functions_and_do_without_a_missing_cell():
    def sample(factors):
        return factors.astype(float)

    assert float(fairness(sample, CELLS, labels=300, per_value=20)) < 0.05
    assert float(strong_downstream(sample, CELLS, labels=300, test=100)) > 0.9
    assert float(fairness(sample, CELLS[1:], labels=300)) < 0.15  # groups that are not matched differ by chance
    assert float(strong_downstream(sample, CELLS[1:], labels=300, test=100)) > 0.9
    assert 0 <= float(beta_vae_score(sample, CELLS[1:], train=50, test=50)) <= 1  # fixing a factor conditions


def test_scoring_imports_no_torch():
    code = (
        "import numpy as np, sys; from distaff.metrics import mig; from distaff import tasks;"
        "import distaff.metrics.between, distaff.metrics.latents;"
        "mig(np.eye(4), np.arange(4)); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
