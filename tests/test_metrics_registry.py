"""What the metrics of the package declare and write, beyond what anyone's must; and the ids of their evaluations."""

import inspect
import math

import pytest

from distaff.plugins.registry import METRICS
from distaff.plugins.spec import content_id
from distaff.testing.metric_evaluations import DRAWN, evaluations
from distaff.testing.metric_form import DEGENERATE

NAMES = METRICS.names()


def marks(name):
    return METRICS.plugin(name).marks


@pytest.mark.parametrize("name", NAMES)
def test_degenerate_codes_and_factors_have_a_finite_score(name):
    metric = evaluations(METRICS.parse(name))
    for what, change in DEGENERATE.items():
        score = metric.score(change(DRAWN))
        if what == "copies" and name == "gaussian_total_correlation":
            assert score.value == math.inf
            assert score.reason
        else:
            assert math.isfinite(score.value), what
            assert score.reason is None, what


@pytest.mark.parametrize("name", [name for name in NAMES if marks(name).get("test_rows")])
def test_a_single_test_row_has_a_score_and_in_explicitness_the_reason_why_not(name):
    one = DRAWN._replace(test_codes=DRAWN.test_codes[:1], test_factors=DRAWN.test_factors[:1])
    alone = evaluations(METRICS.parse(name)).score(one)
    if name == "explicitness":  # an area under a curve needs a row on each side
        assert math.isnan(alone.value)
        assert "no two values" in alone.reason
    else:
        assert math.isfinite(alone.value)


@pytest.mark.parametrize("name", NAMES)
def test_every_metric_declares_what_its_numbers_mean(name):
    plugin, declared = METRICS.plugin(name), marks(name)
    least, most = declared["range"]
    assert least < most
    assert declared["paper"].startswith("https://")
    assert declared["rows"] == "grid" or declared["rows"] > 0
    assert ("ower is" if declared.get("higher_is_better") is False else "igher is") in plugin.doc
    assert "Raises `DistaffError`" in plugin.doc
    assert "not finite" in " ".join(plugin.doc.split())
    assert set(declared.get("depends_on", ())) <= {"scale", "shift", "sign", "values"}
    assert list(inspect.signature(METRICS.function(name)).parameters)[:2] == ["codes", "factors"]


IDS = {  # of evaluations, by which studies find their scores: a new parameter must not change them, a version does
    "beta_vae_score": "303fe4369375defa",
    "dci": "1cb25d29ceb6cf6f",
    "dcimig": "af3850aa032ce5b4",
    "explicitness": "ee0f3d6e70d9442d",
    "factor_vae_score": "1742ac0d77113857",
    "gaussian_total_correlation": "d82edb1424e8d834",
    "gaussian_wasserstein_correlation": "f854d2bcd6ce5659",
    "infomec": "34ef50f543f4ea03",
    "irs": "1cfd96d54f038d0d",
    "jemmig": "9a4c81dc90c7680d",
    "mcc": "d09b48e03940754a",
    "med": "987e3af3e1c0ac40",
    "mig": "015a8fea5feb17f9",
    "mig_sup": "bead44ee14949ef1",
    "modularity": "1fd1848db6790493",
    "nk": "5443e40a92cd4182",
    "pairwise_mutual_information": "65c46f44de810a80",
    "sap": "4281a800edb8ceff",
    "snc": "25ce1c034f5dbeee",
    "unified_scores": "1b535e9ac6020276",
}


@pytest.mark.parametrize("name", IDS)
def test_the_default_evaluation_keeps_its_id(name):
    assert content_id(METRICS.parse(name).identity) == IDS[name]
