"""Sizes and shares."""

from __future__ import annotations

import pytest

from holdfast.model.errors import BadRequestError
from holdfast.model.sizes import parse_bytes, parse_bytes_or_percent, parse_percent


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [
        ("", 0),
        ("0", 0),
        ("123", 123),
        ("12B", 12),
        ("12 bytes", 12),
        ("1kB", 1000),
        ("1MB", 1000**2),
        ("1GB", 1000**3),
        ("1TB", 1000**4),
        ("1PB", 1000**5),
        ("1EB", 1000**6),
        ("1KiB", 1024),
        ("10GiB", 10 * 1024**3),
        ("1EiB", 1024**6),
    ],
)
def test_bytes(text: str, size_bytes: int) -> None:
    assert parse_bytes(text) == size_bytes


@pytest.mark.parametrize("text", ["x", "1.5GiB", "-1", "+1", "1 GiB", "1kib", "GiB", "1KB ", "٣", "10EiB", "9" * 20])
def test_what_is_no_size(text: str) -> None:
    with pytest.raises(BadRequestError, match=r"^Invalid value: "):
        parse_bytes(text)


@pytest.mark.parametrize(("text", "percent"), [("50%", 50), ("0%", 0), ("100%", 100), ("101%", None), ("5", None)])
def test_percent(text: str, percent: int | None) -> None:
    assert parse_percent(text) == percent


def test_share_of_the_whole() -> None:
    assert parse_bytes_or_percent("25%", 400) == 100
    assert parse_bytes_or_percent("1kB", 400) == 1000
