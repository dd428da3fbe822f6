"""BetaVAE score against the reference: the raw batches to the digit, the classifier on its points, the whole."""

from __future__ import annotations

import math

import numpy as np
import pytest

from distaff.errors import DistaffError
from distaff.metrics import beta_vae_score
from distaff.metrics.beta_vae_score import classify, features
from golden_cases import FOLDER, arrays, read

SAMPLED = sorted(path.stem.removeprefix("sampled__") for path in (FOLDER / "cases").glob("sampled__*.npz"))


@pytest.mark.parametrize("name", SAMPLED)
def test_the_features_of_each_raw_batch_are_the_references(name):
    stored = arrays(f"sampled__{name}")
    one, two = stored["beta.raw_rep1"], stored["beta.raw_rep2"]
    table = np.concatenate([one.reshape(-1, one.shape[2]), two.reshape(-1, one.shape[2])])
    rows = np.arange(one.shape[0] * one.shape[1]).reshape(one.shape[:2])
    np.testing.assert_allclose(
        features(lambda picked: table[picked], rows, rows + rows.size), stored["beta.raw_feature"], atol=1e-6
    )


@pytest.mark.parametrize("name", SAMPLED)
def test_the_accuracy_on_the_references_points_is_its_own(name):
    stored = arrays(f"sampled__{name}")
    points = np.concatenate([stored["beta.train_points"], stored["beta.eval_points"]])
    predicted = classify(stored["beta.train_points"], stored["beta.train_labels"], points, seed=0)
    theirs = read("golden")["sampled"][name]["beta_vae_small"]["runs"][0]
    n = len(stored["beta.train_points"])
    assert (predicted[:n] == stored["beta.train_labels"]).mean() == pytest.approx(theirs["train_accuracy"], abs=3e-3)
    assert (predicted[n:] == stored["beta.eval_labels"]).mean() == pytest.approx(theirs["eval_accuracy"], abs=5e-3)


def identity(repeats=200):
    cells = np.stack(np.meshgrid(np.arange(2), np.arange(3), np.arange(5), indexing="ij"), -1).reshape(-1, 3)
    factors = np.tile(cells, (repeats, 1))
    return (factors - factors.mean(axis=0)) / factors.std(axis=0), factors


def test_the_whole_agrees_with_the_references_spread():
    codes, factors = identity()
    noise = np.random.default_rng(0).normal(size=(len(codes), 10))
    for name, table in {"tiny__identity": codes, "tiny__noise": noise}.items():
        stats = read("golden")["sampled"][name]["beta_vae_small"]["stats"]["eval_accuracy"]
        ours = beta_vae_score(table, factors, train=2000, test=1000)
        assert float(ours) == pytest.approx(stats["mean"], abs=4 * stats["std_ddof1"] + 1e-9)


def test_codes_are_only_looked_up_in_bulk():
    codes, factors = identity()
    calls = []

    class Table:
        def __getitem__(self, rows):
            calls.append(len(rows))
            return codes[rows]

    assert float(beta_vae_score(Table(), factors, train=300, test=100)) == float(
        beta_vae_score(codes, factors, train=300, test=100)
    )
    assert len(calls) <= 2


def test_what_is_degenerate_has_a_value():
    codes, factors = identity()
    assert float(beta_vae_score(np.zeros_like(codes), factors, train=500, test=500)) == pytest.approx(1 / 3, abs=0.1)
    assert float(beta_vae_score(codes, factors[:, :1], train=50, test=50)) == 1
    assert math.isnan(float(beta_vae_score(np.full_like(codes, np.nan), factors, train=50, test=50)))
    assert np.isfinite(float(beta_vae_score(codes[:, :1], factors, train=50, test=50)))
    with pytest.raises(DistaffError, match="rows of codes"):
        beta_vae_score(codes[1:], factors)
    with pytest.raises(DistaffError, match="at least 1"):
        beta_vae_score(codes, factors, batch=0)
