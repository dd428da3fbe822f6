"""Every network and critic passes the checks that anyone's must pass."""

from checks_of_package import every_check


@every_check("networks")
def test_every_network_keeps_to_what_a_network_is(check):
    check()


@every_check("critics")
def test_every_critic_keeps_to_what_a_critic_is(check):
    check()
