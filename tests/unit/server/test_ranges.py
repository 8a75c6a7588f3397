from __future__ import annotations

import pytest

from holdfast.server.ranges import held_range

TAG = '"tag"'


@pytest.mark.parametrize(
    ("wanted", "condition", "held"),
    [
        ("bytes=0-9", "", "bytes=0-9"),
        ("bytes=5-", "", "bytes=5-"),
        ("bytes=-5", "", "bytes=-5"),
        ("Bytes= 5-7 ", "", "bytes=5-7"),
        ("bytes=5-", TAG, "bytes=5-"),
        ("bytes=5-", '"other"', ""),
        ("bytes=5-", "W/" + TAG, ""),
        ("bytes=5-", "Wed, 21 Oct 2015 07:28:00 GMT", ""),
        ("bytes=100-", "", "bytes=100-"),
        ("bytes=-0", "", "bytes=100-"),
        ("bytes=7-5", "", ""),
        ("bytes=-", "", ""),
        ("bytes=0-1,5-6", "", ""),
        ("lines=1-2", "", ""),
        ("bytes=x-", "", ""),
        ("bytes=" + "9" * 40 + "-", "", ""),
    ],
)
def test_which_range_is_answered(wanted: str, condition: str, held: str) -> None:
    assert held_range(wanted, condition, 100, TAG) == held
