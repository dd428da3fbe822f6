"""Every method passes the checks that anyone's must pass, its slow version and finite differences among them."""

import pytest

from checks_of_package import every_check
from distaff.plugins.registry import METHODS
from distaff.testing.oracles import oracle_of


@every_check("methods")
def test_every_method_keeps_to_what_a_method_is(check):
    check()


@pytest.mark.parametrize(
    "name",
    ["ada_gvae", "annealed_vae", "beta_tc_vae", "beta_vae", "dip_vae_i", "dip_vae_ii", "factor_vae"],
)
def test_the_methods_of_the_two_studies_have_slow_versions(name):
    assert oracle_of(METHODS.plugin(name)) is not None
