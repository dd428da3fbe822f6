"""FactorVAE score against the reference: the raw batches to the digit, the resampled score within its spread."""

import math

import numpy as np
import pytest

from distaff.errors import DistaffError
from distaff.metrics import factor_vae_score
from distaff.metrics.factor_vae_score import active_codes, least_varying, local_variances
from golden_cases import FOLDER, arrays, case, read

SAMPLED = sorted(path.stem.removeprefix("sampled__") for path in (FOLDER / "cases").glob("sampled__*.npz"))
SIZES = {"tiny": [2, 3, 5], "smallnorb": [5, 9, 18, 6], "dsprites": [3, 6, 40, 32, 32]}
RUNS = [(name, "factor_vae_small", 2000, 1000) for name in SAMPLED] + [
    ("dsprites__merged", "factor_vae_paper", 10_000, 5_000)
]


def grid(sizes):
    return np.stack(np.meshgrid(*[np.arange(s) for s in sizes], indexing="ij"), -1).reshape(-1, len(sizes))


def standardised(factors, sizes):
    sizes = np.array(sizes)
    return (factors - (sizes - 1) / 2) / np.sqrt((sizes**2 - 1) / 12)


def table(name):
    """Codes on the whole grid with noise of their own in each row, tiny grids repeated so that noise is not shared."""
    dataset, kind = name.split("__")
    sizes, rng = SIZES[dataset], np.random.default_rng(1)
    cells = grid(sizes)
    factors = np.tile(cells, (max(60_000 // len(cells), 1), 1))
    z, noise = standardised(factors, sizes), rng.normal(size=(len(factors), 10))
    if kind == "identity":
        return z, factors
    if kind == "noise":
        return noise, factors
    if kind == "duplicated":
        return np.column_stack([z, z[:, 1], z[:, -1] + 0.3 * noise[:, 0]]), factors
    if kind == "collapsed_const":
        dead = np.tile([0.0, 0.0, 0.5], (len(z), 1))
        return np.column_stack([z + 0.1 * noise[:, : z.shape[1]], dead]), factors
    codes, ys, _, _ = case(name) if (FOLDER / "cases" / f"{name}.npz").exists() else (None, None, None, None)
    if (
        kind == "rotation"
    ):  # codes = Q [z, noise]: the part that z has is read off, the noise fills the other directions
        share = np.linalg.lstsq(standardised(ys, sizes), codes, rcond=None)[0].T
        rest = np.linalg.svd(share)[0][:, len(sizes) :]
        return z @ share.T + noise[:, : rest.shape[1]] @ rest.T, factors
    assert kind == "merged"  # one code is factors 0 and 1 jointly, v0 * s1 + v1, standardised
    joint = factors[:, 0] * sizes[1] + factors[:, 1]
    return np.column_stack([joint - joint.mean(), z[:, 2:], noise[:, :2]]) / [joint.std(), *[1] * (len(sizes))], factors


@pytest.mark.parametrize("name", SAMPLED)
def test_the_vote_of_each_raw_batch_is_the_reference(name):
    stored = arrays(f"sampled__{name}")
    variances = stored["factor.raw_global_variances"].astype(np.float64)
    active = active_codes(variances, 0.05)
    np.testing.assert_array_equal(active, stored["factor.raw_active_dims"])
    position = np.cumsum(active) - 1
    votes = least_varying(stored["factor.raw_rep"], variances, active)
    assert set(votes.ravel().tolist()) <= ({0.0, 0.5, 1.0} if name == "tiny__duplicated" else {0.0, 1.0})
    first = position[votes.argmax(axis=1)]  # the reference gives a copy's share to the first
    np.testing.assert_array_equal(first, stored["factor.raw_argmin_within_active"])


@pytest.mark.parametrize(("name", "run", "train", "test"), RUNS)
def test_the_resampled_score_is_within_four_standard_deviations_of_the_reference(name, run, train, test):
    stats = read("golden")["sampled"][name][run]["stats"]
    codes, factors = table(name)
    score = factor_vae_score(codes.astype(np.float32), factors, seed=3, train=train, test=test)
    for ours, reference in ((float(score), "eval_accuracy"), (score.parts["train_accuracy"], "train_accuracy")):
        mean, std = stats[reference]["mean"], stats[reference]["std_ddof1"]
        assert abs(ours - mean) <= 4 * max(std, 1e-3)


@pytest.mark.parametrize("prune", [0.0, 0.05])
def test_constant_codes_are_pruned_even_without_a_threshold(prune):
    codes, factors = table("tiny__collapsed_const")
    score = factor_vae_score(codes, factors, prune=prune, train=500, test=500)
    assert float(score) == 1.0
    assert score.parts["active"] == 3


def test_nothing_active_scores_0():
    score = factor_vae_score(np.zeros((30, 4)), grid([2, 3, 5]), train=10, test=10)
    assert float(score) == 0.0
    assert score.parts["active"] == 0


def test_pruning_by_variance_keeps_fewer_codes_than_by_standard_deviation():
    codes, factors = table("tiny__identity")
    codes = codes * [1, 1, 0.1]  # standard deviation .1, variance .01
    assert factor_vae_score(codes, factors, train=50, test=50).parts["active"] == 3
    assert factor_vae_score(codes, factors, train=50, test=50, prune_by="variance").parts["active"] == 2


class Counted:
    """Codes made on demand: no shape, no length, only rows."""

    def __init__(self, codes):
        self.codes, self.calls = codes, []

    def __getitem__(self, rows):
        self.calls.append(len(rows))
        return self.codes[rows]


def test_codes_are_asked_for_in_two_bulk_look_ups():
    codes, factors = table("tiny__merged")
    lazy = Counted(codes)
    assert factor_vae_score(lazy, factors).value == factor_vae_score(codes, factors).value
    assert lazy.calls == [10_000, 15_000 * 64]


def test_one_seed_gives_one_score_and_another_seed_another():
    codes, factors = table("tiny__rotation")
    first = factor_vae_score(codes, factors, seed=1, train=500, test=500)
    assert first.value == factor_vae_score(codes, factors, seed=1, train=500, test=500).value
    assert first.value != factor_vae_score(codes, factors, seed=2, train=500, test=500).value


def test_local_variances_divide_by_one_less_than_the_rows():
    codes = np.random.default_rng(0).normal(size=(5, 7, 3)).astype(np.float32)
    np.testing.assert_allclose(local_variances(codes)[2], np.cov(codes[2].T.astype(float)).diagonal())


def test_codes_that_are_not_finite_give_a_reason():
    codes, factors = table("tiny__identity")
    codes[:, 1] = math.nan
    score = factor_vae_score(codes, factors, train=50, test=50)
    assert math.isnan(float(score))
    assert "code 1" in (score.reason or "")


def test_a_table_of_another_length_is_refused_with_both_lengths():
    with pytest.raises(DistaffError, match="29 rows of codes for 30 rows of factors"):
        factor_vae_score(np.zeros((29, 2)), grid([2, 3, 5]))
