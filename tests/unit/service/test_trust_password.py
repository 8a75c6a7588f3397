"""The password for new clients, as it is kept."""

from __future__ import annotations

import pytest

from holdfast.service.trust_password import hash_password, is_password


def test_threat_the_password_is_read_from_the_database() -> None:
    kept, again = hash_password("sekret"), hash_password("sekret")
    assert kept != again, "salted"
    assert len(kept) == 2 * (32 + 64)
    assert b"sekret".hex() not in kept
    assert is_password("sekret", kept) and is_password("sekret", again)


@pytest.mark.parametrize("kept", ["", "sekret", "00", "zz" * 96, "00" * 95, "00" * 96])
def test_nothing_else_is_a_password(kept: str) -> None:
    assert not is_password("sekret", kept)
    assert not is_password("", kept)


def test_other_words_are_wrong() -> None:
    kept = hash_password("sekret")
    assert not any(is_password(word, kept) for word in ("", "Sekret", "sekret ", kept))


def test_any_text_can_be_one() -> None:
    for word in ("pässword", "\ud800", "x" * 10_000):
        assert is_password(word, hash_password(word))
