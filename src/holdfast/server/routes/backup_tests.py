"""Tests of export files: sent like an import, tried, and gone again."""

from __future__ import annotations

import math

from aiohttp import web

from holdfast.model.backup import BackupOwner
from holdfast.model.errors import BadRequestError
from holdfast.server.answers import accepted
from holdfast.server.import_body import has_file, import_body
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.service.backup_owners import volume_owner
from holdfast.service.backup_tests import BackupTestRequest

_USUAL_S = 60.0


async def test_backup(request: ApiRequest) -> web.StreamResponse:
    """Import an export file under a name of its own, start it without network, remove it.

    The file is the body, an upload (`X-Holdfast-upload`), or the export `backup` of `instance` or `volume` (POOL/NAME)
    that is here. `command` is run by the instance's shell until it succeeds, `timeout` seconds at most. The operation
    fails if the instance doesn't come up, or the volume can't be made; its metadata tells more under `backup_test`.
    """
    wanted = BackupTestRequest(
        pool=request.query("pool") or None,
        command=request.query("command"),
        timeout_s=_seconds(request.query("timeout")),
    )
    service = request.services.backup_tests
    if owner := await _owner(request):
        lent = await request.run(request.services.stored_backups.lend, owner, request.query("backup"))
        return accepted(await request.run(service.test, request.caller, lent, wanted))
    if not has_file(request):
        raise BadRequestError(
            "The body must be an export file, with the type application/octet-stream, or the query must name an "
            "instance or volume and its backup"
        )
    async with import_body(request) as file:
        return accepted(await request.run(service.test, request.caller, file, wanted))


async def _owner(request: ApiRequest) -> BackupOwner | None:
    """Return whose export the query names."""
    if name := request.query("instance"):
        return BackupOwner(project=request.project, name=name)
    if volume := request.query("volume"):
        pool, slash, name = volume.partition("/")
        if not pool or not slash or not name:
            raise BadRequestError(f'Invalid volume "{volume}": give POOL/NAME')
        return await request.run(volume_owner, request.services.database, request.project, pool, name)
    return None


def _seconds(text: str) -> float:
    if not text:
        return _USUAL_S
    try:
        found = float(text)
    except ValueError:
        found = math.nan
    if not math.isfinite(found):
        raise BadRequestError(f'Invalid timeout "{text}": give seconds')
    return found


ROUTES = (
    Route(
        method="POST",
        path="/1.0/backup-tests",
        handler=test_backup,
        summary="Try an export file: import it under another name, start it, remove it",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        query=("project", "pool", "command", "timeout", "instance", "volume", "backup"),
    ),
)
