"""Every metric passes the checks that anyone's must pass."""

from checks_of_package import every_check


@every_check("metrics")
def test_every_metric_keeps_to_what_a_metric_is(check):
    check()
