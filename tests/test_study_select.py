"""`--only` chooses the runs that are meant, and says what it cannot read."""

from __future__ import annotations

from pathlib import Path

import pytest

from distaff.errors import DistaffError
from distaff.runs import Study
from distaff.store.studies import load_study
from distaff.study.select import only
from real_studies import study_file


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return load_study(study_file(tmp_path, ("beta_vae(beta=2)", "dip_vae_i", "beta_vae(beta=1e39)"), 2, 20))


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("", 6),
        ("method=beta_vae", 4),
        ("method=beta_vae(beta=2)", 2),
        ("method!=beta_vae, seed<1", 1),
        ("method=dip_vae_i|beta_vae(beta=2)", 4),
        ("beta>=3", 2),
        ("network=mlp,dataset=toy,updates=20,seed>=1", 3),
    ],
)
def test_conditions_choose_runs(text: str, number: int, study: Study) -> None:
    assert len(only(study, text)) == number


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("method=beta_vea", "Did you mean 'beta_vae'"),
        ("sed=1", "Did you mean 'seed'"),
        ("seed", "is no condition"),
        ("seed<x", "compared with a number"),
        ("method<beta_vae", "compared with = or !="),
        ("seed>7", "no run of study small fits"),
    ],
)
def test_a_condition_that_means_nothing_is_refused(text: str, said: str, study: Study) -> None:
    with pytest.raises(DistaffError, match=said):
        only(study, text)
