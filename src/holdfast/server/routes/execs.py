"""Commands inside an instance."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.kinds import OperationClass
from holdfast.server.answers import accepted
from holdfast.server.exec_session import ExecSession
from holdfast.server.request import ApiRequest
from holdfast.server.route import Answer, Permission, Route
from holdfast.service.instance_requests import ExecRequest
from holdfast.service.resources import instance_resources
from holdfast.wire import exec as wire


async def execute(request: ApiRequest) -> web.StreamResponse:
    """Start a command: with its streams on websockets, or by itself, with its output in log files if wanted."""
    sent = await request.body(wire.ExecPost)
    service = request.services.exec
    wanted = ExecRequest(
        command=tuple(sent.command),
        environment=sent.environment,
        user=sent.user,
        group=sent.group,
        cwd=sent.cwd,
        width=sent.width,
        height=sent.height,
        is_interactive=sent.interactive,
        record_output=sent.record_output,
    )
    plan = await request.run(service.prepare, request.caller, request.path("name"), wanted)
    if not sent.wait_for_websocket:
        return accepted(await request.run(service.run, request.caller, plan))
    session = ExecSession(request, plan, sent.interactive, sent.width, sent.height)
    handle = request.services.operations.open(
        request.caller,
        "Executing command",
        operation_class=OperationClass.WEBSOCKET,
        resources=instance_resources(request.project, request.path("name")),
        metadata={
            "command": list(sent.command),
            "environment": dict(plan.environment),
            "fds": session.secrets,
            "interactive": sent.interactive,
        },
    )
    request.parts.sockets.expect(handle.id, session.meetings.values())
    handle.run()
    request.parts.sessions.start(session.run(handle))
    return accepted(handle.snapshot())


ROUTES = (
    Route(
        method="POST",
        path="/1.0/instances/{name}/exec",
        handler=execute,
        summary="Run a command",
        permission=Permission.PROJECT,
        answer=Answer.ASYNC,
        takes=wire.ExecPost,
    ),
)
