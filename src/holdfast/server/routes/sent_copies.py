"""Where copies of an instance are. LXD has nothing like it."""

from __future__ import annotations

from aiohttp import web

from holdfast.server.answers import sync
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.service.sent_copies import SentCopyView
from holdfast.wire import sent_copy as wire
from holdfast.wire.timestamps import to_wire


async def list_copies(request: ApiRequest) -> web.StreamResponse:
    views = await request.run(request.services.sent_copies.list, request.caller, request.path("name"))
    return sync([_shape(view) for view in views])


def _shape(view: SentCopyView) -> wire.SentCopy:
    return wire.SentCopy(
        server=view.name,
        fingerprint=view.copy.username if view.copy.protocol == "tls" else "",
        pulled_at=to_wire(view.copy.sent_at),
    )


ROUTES = (
    Route(
        method="GET",
        path="/1.0/instances/{name}/copies",
        handler=list_copies,
        summary="Show who had the instance sent to another server, and when last",
        permission=Permission.PROJECT,
        gives=list[wire.SentCopy],
        query=("project",),
    ),
)
