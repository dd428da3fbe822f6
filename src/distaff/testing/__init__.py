"""The checks that our own plug-ins pass, for everybody's: `distaff check` prints them, and tests call them.

    import pytest
    from distaff.testing import checks_of

    @pytest.mark.parametrize("check", checks_of("method", "my_idea"), ids=str)
    def test_my_idea(check):
        check()

Neither pytest nor hypothesis is needed: random cases come from seeds, and there are a fixed number of them.
"""

from distaff.testing.check import Check, CheckFailed
from distaff.testing.suites import Outcome, checks_of, outcomes

__all__ = ["Check", "CheckFailed", "Outcome", "checks_of", "outcomes"]
