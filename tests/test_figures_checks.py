"""Every figure passes the checks that anyone's must pass."""

from checks_of_package import every_check


@every_check("figures")
def test_every_figure_keeps_to_what_a_figure_is(check):
    check()
