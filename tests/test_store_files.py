"""What is sealed is opened as it was, and any change of it is seen."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from distaff.seal import sealed, unsealed

NUMBERS = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.none() | st.booleans() | NUMBERS | st.text() | st.lists(st.dictionaries(st.text(), NUMBERS))


@settings(deadline=None)
@given(st.dictionaries(st.text(), VALUES, min_size=1, max_size=5))
def test_what_is_sealed_is_opened_and_any_change_is_seen(value: dict[str, object]) -> None:
    content = sealed(value)
    record = unsealed(content)
    assert json.loads(content) == record
    record.pop("sha256")
    assert record == {key: part for key, part in value.items() if key != "sha256"}
    changed = content.replace(b"\n}", b"\n }")
    with pytest.raises(ValueError, match="checksum"):
        unsealed(changed)
