"""Sealed files: JSON as before, and not one byte of them can change unseen."""

from __future__ import annotations

import json

import pytest

from sweeps.self_digest import Altered, seal, unsealed, unsealed_if_sealed

CONTENT = b'{\n "id": "ab",\n "error": 0.25,\n "spec": {\n  "sha256": "x"\n }\n}\n'


def test_a_sealed_file_is_json_and_gives_back_what_was_sealed() -> None:
    sealed = seal(CONTENT)
    assert json.loads(unsealed(sealed)) == json.loads(CONTENT)
    assert {**json.loads(sealed), "sha256": None} == {**json.loads(CONTENT), "sha256": None}
    assert seal(unsealed(sealed)) == sealed
    assert unsealed_if_sealed(CONTENT) == CONTENT and unsealed_if_sealed(sealed) == unsealed(sealed)


def test_no_single_bit_can_change_and_nothing_can_be_cut_or_added() -> None:
    sealed = seal(CONTENT)
    for position in range(len(sealed)):
        for bit in range(8):
            altered = bytearray(sealed)
            altered[position] ^= 1 << bit
            with pytest.raises(Altered):
                unsealed(bytes(altered))
        with pytest.raises(Altered):
            unsealed(sealed[:position])
    for more in (b" ", b"\n", b"}"):
        with pytest.raises(Altered):
            unsealed(sealed + more)


def test_what_was_never_sealed_is_told_apart() -> None:
    with pytest.raises(Altered, match="no digest of its own"):
        unsealed(CONTENT)
