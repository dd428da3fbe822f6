"""UDR against the reference, and where the reference stops."""

import numpy as np
import pytest

from distaff.errors import DistaffError
from distaff.metrics.between import udr
from distaff.metrics.between.udr import pair_score
from golden_cases import FOLDER, read


def models(name):
    stored = np.load(FOLDER / "udr" / f"udr__{name}.npz")
    return [stored[f"rep_{i}"] for i in range(6)], stored["kl"], stored


@pytest.mark.parametrize("name", ["tiny", "smallnorb"])
@pytest.mark.parametrize("by", ["lasso", "spearman"])
def test_scores_and_pairs_are_the_references(name, by):
    codes, kl, stored = models(name)
    found = udr(codes, kl, by=by)
    np.testing.assert_allclose(found.pairs, stored[f"{by}.filter.pairwise"], atol=1e-5)
    np.testing.assert_allclose(found.scores, read("udr")[f"{name}.{by}.filter"]["model_scores"], atol=1e-5)


@pytest.mark.parametrize("name", ["tiny", "smallnorb"])
def test_counting_passive_latents_is_the_references_unfiltered_lasso(name):
    codes, kl, stored = models(name)
    found = udr(codes, kl, keep_all=True)
    np.testing.assert_allclose(found.pairs, stored["lasso.nofilter.pairwise"], atol=1e-5)
    np.testing.assert_allclose(found.scores, read("udr")[f"{name}.lasso.nofilter"]["model_scores"], atol=1e-5)


MATRICES = read("functions")["udr_relative_strength_disentanglement"]


@pytest.mark.parametrize("entry", MATRICES, ids=range(len(MATRICES)))
def test_the_strength_of_a_matrix_is_the_references(entry):
    if isinstance(entry["result"], dict):  # the reference stops at an empty matrix
        assert pair_score(np.zeros((0, 4))) == pair_score(np.zeros((4, 0))) == 0
    else:
        assert pair_score(np.array(entry["corr"])) == pytest.approx(entry["result"], abs=1e-9)


def test_models_that_differ_in_order_and_sign_agree_and_mixed_ones_do_not():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(500, 4))
    turned = one @ np.linalg.qr(rng.normal(size=(4, 4)))[0]
    found = udr([one, -2 * one[:, [2, 0, 3, 1]], turned], np.ones((3, 4)), by="spearman")
    assert found.pairs[0, 1] > 0.85
    assert found.scores[2] < found.scores[0] - 0.1


def test_a_model_without_live_latents_scores_0_where_the_reference_stops():
    codes, kl, _ = models("tiny")
    for by in ("lasso", "spearman"):
        found = udr(codes[:3], [np.zeros(10), kl[1], kl[2]], by=by)
        assert found.scores[0] == 0
        assert np.isfinite(found.pairs).all()


def test_misfits_are_named():
    codes, kl, _ = models("tiny")
    with pytest.raises(DistaffError, match="at least two"):
        udr(codes[:1], kl[:1])
    with pytest.raises(DistaffError, match="as many latents"):
        udr([codes[0], codes[1][:, 1:]], kl[:2])
    with pytest.raises(DistaffError, match="one number for each"):
        udr(codes, kl[:, 1:])
    with pytest.raises(DistaffError, match="model 1 are not finite"):
        udr([codes[0], codes[1] * np.nan], kl[:2])
    with pytest.raises(DistaffError, match="lasso"):
        udr(codes, kl, by="laso")
