"""Names of architectures."""

from __future__ import annotations

import pytest

from holdfast.model.architecture import runnable
from holdfast.model.errors import BadRequestError


@pytest.mark.parametrize(
    ("name", "host", "expected"),
    [
        ("x86_64", "x86_64", "x86_64"),
        ("amd64", "x86_64", "x86_64"),
        ("i386", "x86_64", "i686"),
        ("armhf", "aarch64", "armv7l"),
    ],
)
def test_what_the_host_runs(name: str, host: str, expected: str) -> None:
    assert runnable(name, host) == expected


@pytest.mark.parametrize(
    ("name", "host", "text"),
    [("arm64", "x86_64", "by this host"), ("x86_64", "i686", "by this host"), ("bogus", "x86_64", "isn't supported")],
)
def test_what_it_does_not_run(name: str, host: str, text: str) -> None:
    with pytest.raises(BadRequestError, match=text):
        runnable(name, host)
