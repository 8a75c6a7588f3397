"""The undo of a restore: what it would bring back, the undo itself, forgetting it."""

from __future__ import annotations

from aiohttp import web

from holdfast.server.answers import accepted, done, sync
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.wire import undo as wire
from holdfast.wire.timestamps import to_wire

_PATH = "/1.0/instances/{name}/undo"


async def get_undo(request: ApiRequest) -> web.StreamResponse:
    view = await request.run(request.services.former_states.view, request.project, request.path("name"))
    state = view.state
    shape = wire.Undo(
        snapshot=state.snapshot,
        created_at=to_wire(state.created_at),
        expires_at=to_wire(state.expires_at),
        size=-1 if view.size_bytes is None else view.size_bytes,
    )
    return sync(shape)


async def start_undo(request: ApiRequest) -> web.StreamResponse:
    """Go back to the state before the last restore; a running instance is stopped and started again."""
    return accepted(await request.run(request.services.restore.undo, request.caller, request.path("name")))


async def delete_undo(request: ApiRequest) -> web.StreamResponse:
    """Give its space back."""
    await request.run(request.services.former_states.forget, request.caller, request.path("name"))
    return done()


ROUTES = (
    Route(
        method="GET",
        path=_PATH,
        handler=get_undo,
        summary="Show what an undo would bring back",
        permission=Permission.PROJECT,
        gives=wire.Undo,
    ),
    Route(
        method="POST",
        path=_PATH,
        handler=start_undo,
        summary="Undo the last restore",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
    ),
    Route(
        method="DELETE",
        path=_PATH,
        handler=delete_undo,
        summary="Forget the state before the last restore",
        permission=Permission.PROJECT,
    ),
)
