"""Rows of the trust store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from holdfast.db import certificates, projects
from holdfast.db.database import Database, sqlite_url
from holdfast.model.certificate import CertificateType, TrustedCertificate
from holdfast.model.errors import ConflictError
from holdfast.model.profile import Project

ONE = TrustedCertificate(
    fingerprint="aa",
    name="one",
    type=CertificateType.CLIENT,
    restricted=True,
    projects=("p1", "p2"),
    pem="pem",
    valid_from=datetime(2026, 1, 1, tzinfo=UTC),
    valid_until=datetime(2036, 1, 1, tzinfo=UTC),
)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    made = Database(sqlite_url(tmp_path / "db"))
    made.migrate()
    with made.write() as connection:
        for name in ("p1", "p2"):
            projects.insert(connection, Project(name=name))
    yield made
    made.close()


def everything(database: Database) -> list[TrustedCertificate]:
    with database.read() as connection:
        return certificates.list_all(connection)


def test_there_and_back(database: Database) -> None:
    other = replace(ONE, fingerprint="ab", name="other", type=CertificateType.METRICS, projects=(), restricted=False)
    with database.write() as connection:
        certificates.insert(connection, ONE)
        certificates.insert(connection, other)
    assert everything(database) == [ONE, other]
    with database.read() as connection:
        assert certificates.find(connection, "aa") == ONE
        assert certificates.find(connection, "a") is None, "the beginning of a fingerprint is not enough for trust"
    with pytest.raises(ConflictError), database.write() as connection:
        certificates.insert(connection, ONE)


def test_update_and_delete(database: Database) -> None:
    changed = replace(ONE, fingerprint="bb", projects=("p2",))
    with database.write() as connection:
        certificates.insert(connection, ONE)
        certificates.update(connection, "aa", changed)
    assert everything(database) == [changed]
    with database.write() as connection:
        certificates.delete(connection, "bb")
        projects.delete(connection, "p2")
    assert everything(database) == []


def test_projects_are_renamed_and_go(database: Database) -> None:
    with database.write() as connection:
        certificates.insert(connection, ONE)
        projects.rename(connection, "p1", "q1")
    assert everything(database) == [replace(ONE, projects=("p2", "q1"))]
    with database.write() as connection:
        projects.delete(connection, "p2")
        projects.delete(connection, "q1")
    assert everything(database) == [replace(ONE, projects=())], "as restricted as before"
