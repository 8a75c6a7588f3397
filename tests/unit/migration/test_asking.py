"""What is asked of LXD: the first stream is to be a difference to something that is here, in either of its orders."""

from __future__ import annotations

import pytest

from holdfast.migration.asking import Asked, asked_of_lxd


@pytest.mark.parametrize(
    ("there", "wanted", "known", "asked"),
    [
        pytest.param("a b c", "c", "a b", Asked(("c",), ("b",)), id="the one before"),
        pytest.param("a b c d", "c d", "a b", Asked(("c", "d"), ("b",)), id="two new ones"),
        pytest.param("a b c", "", "b c", None, id="nothing new"),
        pytest.param("a b c", "c", "a", Asked(("b", "c"), ("a",)), id="one before is not known: it comes again"),
        pytest.param("a b c", "c", "", None, id="nothing is known"),
        pytest.param("a b", "a b", "", Asked(("a", "b"), ()), id="nothing is common: whole"),
        pytest.param("b a", "b a", "", None, id="it would be a difference to the second"),
        pytest.param("a", "a", "", Asked(("a",), ()), id="the first one"),
        pytest.param("a b c", "a", "b c", None, id="an old one went here"),
        pytest.param("a b c", "a c", "b", None, id="an old one and a new one"),
        pytest.param("s8 s9 s10", "s10", "s8 s9", Asked(("s9", "s10"), ("s8",)), id="names turn: behind the last"),
        pytest.param("s1 s8 s9 s10", "s10", "s1 s9", Asked(("s10",), ("s1", "s9")), id="either of two"),
        pytest.param("s9 s10 s11", "s11", "s9 s10", Asked(("s11",), ("s10",)), id="names are in order again"),
        pytest.param("one two three", "three", "two", None, id="names in no order"),
        pytest.param("one two three", "three", "one two", Asked(("three",), ("one", "two")), id="both are known"),
    ],
)
def test_asked_of_lxd(there: str, wanted: str, known: str, asked: Asked | None) -> None:
    assert asked_of_lxd(there.split(), wanted.split(), known.split()) == asked
