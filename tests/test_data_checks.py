"""Every data set passes the checks that anyone's must pass, as far as its images can be had here in seconds."""

import pytest

from checks_of_package import every_check, texts
from distaff.data import load


def in_memory() -> list[str]:
    """Those whose images are not made in minutes at the first look, nor fetched."""
    return [text for text in texts("data") if load(text).cached is None]


@every_check("data", in_memory())
def test_every_data_set_keeps_to_what_a_data_set_is(check):
    check()


@pytest.mark.parametrize("name", sorted(set(texts("data")) - set(in_memory())))
def test_data_sets_that_are_made_or_fetched_have_factors_and_a_shape(name):
    data = load(name)
    assert len(data) == len(data.factors) > 1
    assert len(data.shape) == 3
