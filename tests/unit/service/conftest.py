"""Fixtures for tests of services."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.image_world import ImageWorld, image_world, make_fresh_database


@pytest.fixture(scope="session")
def fresh_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a database as it is at the first start; copy it."""
    path = tmp_path_factory.mktemp("database") / "fresh.db"
    make_fresh_database(path)
    return path


@pytest.fixture
def world(tmp_path: Path, fresh_database: Path) -> Iterator[ImageWorld]:
    """The image services, with no pool yet."""
    with image_world(tmp_path, fresh_database) as made:
        yield made
