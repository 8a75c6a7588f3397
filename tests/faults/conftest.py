"""Counts the faults that were injected, and says so at the end of the run."""

from __future__ import annotations

from collections import Counter

import pytest

from support import closing


@pytest.fixture
def faults(request: pytest.FixtureRequest) -> Counter[str]:
    """Where tests count what they made fail, by kind."""
    return closing.counts(request.config, "injected faults")
