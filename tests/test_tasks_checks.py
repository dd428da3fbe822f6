"""Every task passes the checks that anyone's must pass."""

from checks_of_package import every_check


@every_check("tasks")
def test_every_task_keeps_to_what_a_task_is(check):
    check()
