"""A checkpoint is checked byte for byte: whatever bit is flipped in it is noticed."""

from __future__ import annotations

import numpy as np
import pytest
from safetensors.numpy import load, save

from distaff.errors import DistaffError
from distaff.training.seal import BLANK, KEY, check_seal, metadata_of, sealed

TENSORS = {"a": np.arange(12, dtype=np.float32).reshape(3, 4), "b": np.ones(5, dtype=np.int64)}


def content(**metadata: str) -> bytes:
    return b"".join(sealed(save(TENSORS, {KEY: BLANK, "step": "7", "columns": "[]", **metadata})))


def test_a_sealed_file_is_read_as_any_other() -> None:
    whole = content(runs='["x"]')
    check_seal(whole)
    assert metadata_of(whole)["step"] == "7"
    assert {name: part.tolist() for name, part in load(whole).items()} == {
        name: part.tolist() for name, part in TENSORS.items()
    }


def test_any_flipped_bit_is_noticed() -> None:
    whole = content()
    for place in range(len(whole)):
        torn = bytearray(whole)
        torn[place] ^= 0x10
        with pytest.raises(DistaffError):
            check_seal(bytes(torn))


def test_a_file_that_is_cut_is_noticed_and_one_of_an_earlier_version_is_not_refused() -> None:
    whole = content()
    for length in (0, 5, 40, len(whole) - 1):
        with pytest.raises(DistaffError):
            check_seal(whole[:length])
    check_seal(save(TENSORS, {"step": "7"}))
