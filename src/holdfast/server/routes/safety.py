"""What keeps everything safe, in one light list. LXD has nothing like it."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from holdfast.server.answers import sync
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.service.safety import SafetyView
from holdfast.wire import safety as wire
from holdfast.wire.timestamps import to_wire


async def list_safety(request: ApiRequest) -> web.StreamResponse:
    views = await request.run(request.services.safety.list, request.projects)
    return sync([_shape(view) for view in views])


def _shape(view: SafetyView) -> wire.Safety:
    found = view.safety
    return wire.Safety(
        subject=view.url,
        type=view.noun,
        project=found.project,
        pool=found.pool,
        name=found.name,
        snapshots=found.snapshots,
        newest_snapshot_at=_time(found.snapshot_at),
        newest_export_at=_time(found.export_at),
        newest_copy_at=_time(found.copied_at),
    )


def _time(moment: datetime | None) -> str | None:
    return None if moment is None else to_wire(moment)


ROUTES = (
    Route(
        method="GET",
        path="/1.0/safety",
        handler=list_safety,
        summary="Show the newest snapshot, export and copy of every instance and custom volume",
        permission=Permission.PROJECT,
        gives=list[wire.Safety],
        query=("project", "all-projects"),
    ),
)
