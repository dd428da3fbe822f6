"""Codes whose scores are known exactly: Table 1 of Carbonneau et al. (2022, arXiv 2012.09276)."""

import numpy as np
import pytest

from distaff.metrics import dcimig, irs, jemmig, mig, mig_sup, modularity, sap

SIX = {
    "mig": lambda codes, angles: mig(codes, angles, bins=10),
    "mig_sup": lambda codes, angles: mig_sup(codes, angles, bins=10, by="code"),
    "jemmig": lambda codes, angles: jemmig(codes, angles, bins=10),
    "sap": lambda codes, angles: sap(codes, angles, (codes[:50], angles[:50])),
    "modularity": lambda codes, angles: modularity(codes, angles, bins=10),
    "dcimig": lambda codes, angles: dcimig(codes, angles, bins=10),
}
TABLE = {
    "circle": {"mig": 0.0, "mig_sup": 0.7, "jemmig": 0.4, "sap": 0.6, "modularity": 1.0, "dcimig": 0.6},
    "two copies": {"mig": 0.0, "mig_sup": 1.0, "jemmig": 0.5, "sap": 0.0, "modularity": 1.0, "dcimig": 1.0},
    "four copies": {"mig": 0.0, "mig_sup": 1.0, "jemmig": 0.5, "sap": 0.0, "modularity": 1.0, "dcimig": 1.0},
}
CODES = {
    "circle": lambda angles: np.hstack([np.cos(angles), np.sin(angles)]),
    "two copies": lambda angles: np.hstack([angles] * 2),
    "four copies": lambda angles: np.hstack([angles] * 4),
}


def drawn(factors):
    return np.random.default_rng(factors).uniform(0, 2 * np.pi, size=(20_000, factors))


@pytest.mark.parametrize("factors", [2, 8])
@pytest.mark.parametrize("name", SIX)
@pytest.mark.parametrize("kind", TABLE)
def test_exact_codes_have_the_scores_of_the_table(kind, name, factors):
    angles = drawn(factors)
    assert float(SIX[name](CODES[kind](angles), angles)) == pytest.approx(TABLE[kind][name], abs=0.06)


@pytest.mark.parametrize(("kind", "expected"), [("circle", 0.8), ("two copies", 0.9)])
def test_robustness_of_exact_codes_is_that_of_the_table(kind, expected):
    angles = drawn(4)
    assert float(irs(CODES[kind](angles), angles, bins=10)) == pytest.approx(expected, abs=0.06)
