"""What an instance uses, and its power: start, stop, restart, freeze, unfreeze; of one or of all."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.errors import BadRequestError
from holdfast.server.answers import accepted, sync
from holdfast.server.render.instances import state_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.wire import instance as wire
from holdfast.wire import state as wire_state

_STATE = "/1.0/instances/{name}/state"


async def get_state(request: ApiRequest) -> web.StreamResponse:
    return sync(state_shape(await request.run(request.services.instances.state, request.project, request.path("name"))))


async def put_state(request: ApiRequest) -> web.StreamResponse:
    sent = await request.body(wire.InstanceStatePut)
    return accepted(
        await request.run(
            request.services.power.change,
            request.caller,
            request.path("name"),
            sent.action,
            sent.timeout,
            force=sent.force,
            stateful=sent.stateful,
        )
    )


async def put_all_states(request: ApiRequest) -> web.StreamResponse:
    sent = (await request.body(wire.InstancesPut)).state
    if sent is None:
        raise BadRequestError("No state in the request")
    return accepted(
        await request.run(
            request.services.power.change_all,
            request.caller,
            sent.action,
            sent.timeout,
            force=sent.force,
            stateful=sent.stateful,
        )
    )


ROUTES = (
    Route(
        method="GET",
        path=_STATE,
        handler=get_state,
        summary="Show what is used",
        permission=Permission.PROJECT,
        gives=wire_state.InstanceState,
    ),
    Route(
        method="PUT",
        path=_STATE,
        handler=put_state,
        summary="Start, stop, restart, freeze or unfreeze",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.InstanceStatePut,
    ),
    Route(
        method="PUT",
        path="/1.0/instances",
        handler=put_all_states,
        summary="Start, stop, restart, freeze or unfreeze all instances",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.InstancesPut,
    ),
)
