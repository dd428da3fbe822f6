"""What others published of dSprites, as data: the numbers that stand beside ours."""

from __future__ import annotations

from typing import NamedTuple

ICML = "Locatello et al., 2019"
# Table 5, dSprites: percent of each score's variance, least squares in sample, 36 settings of 50 seeds, 300,000 updates
VARIANCE = {
    "method": {
        "beta_vae_score": 29, "dci": 41, "factor_vae_score": 47, "mig": 26, "modularity": 29, "sap": 31,
    },
    "setting": {
        "beta_vae_score": 59, "dci": 77, "factor_vae_score": 54, "mig": 72, "modularity": 39, "sap": 56,
    },
}  # fmt: skip
# Section 5.1 and Figure 1, in words, for they have no numbers: how total correlation moves with the strength
TOTAL_CORRELATION = {
    "beta_vae": ("falls; highest of all at strength 1", "rises substantially"),
    "beta_tc_vae": ("falls; highest of all at strength 1", "rises substantially"),
    "factor_vae": ("low, does not fall", "rises, less"),
    "dip_vae_i": ("low", "low throughout"),
    "dip_vae_ii": ("low", "not low on dSprites"),
    "annealed_vae": ("much more sensitive, falls with the pressure", "very high"),
}


class Row(NamedTuple):
    """Scores of one method, in percent: a mean and a standard deviation where one is given."""

    source: str
    method: str
    strengths: tuple[float, ...]  # with which ours are compared
    scores: dict[str, tuple[float, float | None]]


CFASL = "CFASL, 10 seeds of 300,000 updates, the old library's metrics, the best of the strengths"
OAT = "OAT, the original papers' protocols"
ROWS = (
    Row(CFASL, "beta_vae", (1, 2, 4, 6), {
        "factor_vae_score": (73.54, 6.47), "beta_vae_score": (83.20, 7.07), "mig": (13.19, 4.48), "sap": (5.69, 1.98),
        "dci": (21.49, 6.30),
    }),
    Row(CFASL, "beta_tc_vae", (1, 2, 4, 6), {
        "factor_vae_score": (79.19, 5.87), "beta_vae_score": (89.20, 4.73), "mig": (23.95, 10.13), "sap": (7.20, 0.66),
        "dci": (35.33, 9.07),
    }),
    Row(OAT, "beta_vae", (1,), {"factor_vae_score": (63, 6), "mig": (10, None), "dci": (30, 10)}),
    Row(OAT, "beta_vae", (2, 4, 6, 8, 16), {"factor_vae_score": (63, 10), "mig": (21, None), "dci": (41, 11)}),
    Row(OAT, "factor_vae", (10, 20, 30, 40, 50, 100), {
        "factor_vae_score": (82, 1), "mig": (43, 1), "dci": (74, 1), "beta_vae_score": (84, None),
    }),
    Row(OAT, "beta_tc_vae", (2, 4, 6, 8, 10), {"factor_vae_score": (62, 7), "mig": (45, None), "dci": (29, 1)}),
)  # fmt: skip
