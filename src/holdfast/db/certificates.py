"""Queries on trusted certificates."""

from __future__ import annotations

from sqlalchemy import Connection, Row, select
from sqlalchemy import delete as sql_delete
from sqlalchemy import insert as sql_insert
from sqlalchemy import update as sql_update

from holdfast.db import tables
from holdfast.db.unique import execute_unique
from holdfast.model.certificate import CertificateType, TrustedCertificate

_table = tables.certificates
_projects = tables.certificate_projects


def list_all(connection: Connection) -> list[TrustedCertificate]:
    """Return all, oldest first."""
    projects: dict[int, list[str]] = {}
    for row in connection.execute(select(_projects).order_by(_projects.c.project)):
        projects.setdefault(row.certificate_id, []).append(row.project)
    rows = connection.execute(select(_table).order_by(_table.c.id))
    return [_certificate(row, tuple(projects.get(row.id, ()))) for row in rows]


def find(connection: Connection, fingerprint: str) -> TrustedCertificate | None:
    """Return the one with this whole fingerprint."""
    row = connection.execute(select(_table).where(_table.c.fingerprint == fingerprint)).first()
    if row is None:
        return None
    query = select(_projects.c.project).where(_projects.c.certificate_id == row.id).order_by(_projects.c.project)
    return _certificate(row, tuple(connection.execute(query).scalars()))


def insert(connection: Connection, certificate: TrustedCertificate) -> None:
    """Add one; `ConflictError` if it is there."""
    execute_unique(connection, sql_insert(_table).values(_values(certificate)), "certificates")
    _set_projects(connection, certificate)


def update(connection: Connection, fingerprint: str, certificate: TrustedCertificate) -> None:
    """Write every field of the one that had this fingerprint; `ConflictError` if another one has the new one."""
    query = sql_update(_table).where(_table.c.fingerprint == fingerprint).values(_values(certificate))
    execute_unique(connection, query, "certificates")
    _set_projects(connection, certificate)


def delete(connection: Connection, fingerprint: str) -> None:
    connection.execute(sql_delete(_table).where(_table.c.fingerprint == fingerprint))


def _set_projects(connection: Connection, certificate: TrustedCertificate) -> None:
    query = select(_table.c.id).where(_table.c.fingerprint == certificate.fingerprint)
    certificate_id = connection.execute(query).scalar_one()
    connection.execute(sql_delete(_projects).where(_projects.c.certificate_id == certificate_id))
    rows = [{"certificate_id": certificate_id, "project": project} for project in certificate.projects]
    if rows:
        connection.execute(sql_insert(_projects), rows)


def _values(certificate: TrustedCertificate) -> dict[str, object]:
    return {
        "fingerprint": certificate.fingerprint,
        "name": certificate.name,
        "type": certificate.type.value,
        "restricted": certificate.restricted,
        "pem": certificate.pem,
        "valid_from": certificate.valid_from,
        "valid_until": certificate.valid_until,
    }


def _certificate(row: Row[tuple[object, ...]], projects: tuple[str, ...]) -> TrustedCertificate:
    return TrustedCertificate(
        fingerprint=row.fingerprint,
        name=row.name,
        type=CertificateType(row.type),
        restricted=row.restricted,
        projects=projects,
        pem=row.pem,
        valid_from=row.valid_from,
        valid_until=row.valid_until,
    )
