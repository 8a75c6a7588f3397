"""Schedules of snapshots, and what becomes of the snapshots of an instance. LXD has neither."""

from __future__ import annotations

from aiohttp import web

from holdfast.model.errors import BadRequestError
from holdfast.server.answers import sync
from holdfast.server.render.schedules import planned_shape, preview_shape, schedule_shape
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.service.schedule_preview import ScheduleDraft
from holdfast.service.scheduled import Scheduled
from holdfast.wire import schedule as wire


async def list_schedules(request: ApiRequest) -> web.StreamResponse:
    """Answer with the schedules; without recursion with the URLs of what has some."""
    views = await request.run(request.services.schedule_reader.list, request.projects)
    if request.recursion:
        return sync([schedule_shape(view) for view in views])
    return sync(list(dict.fromkeys(view.subject.url for view in views)))


async def get_plan(request: ApiRequest) -> web.StreamResponse:
    """Answer with every snapshot of an instance and why it is kept or when it goes; nothing is changed."""
    services = request.services
    subject = await request.run(services.schedules.subject, request.project, request.path("name"))
    fates = await request.run(services.retention.fates, services.schedules, subject)
    return sync([planned_shape(fate) for fate in fates])


async def preview_schedule(request: ApiRequest) -> web.StreamResponse:
    """Answer with what a schedule would do. What is wrong in it stands in the answer: somebody is typing."""
    sent = await request.body(wire.SchedulePreviewPost)
    services, draft = request.services, _draft(sent)
    if bool(sent.instance) == bool(sent.volume):
        raise BadRequestError("Give an instance, or a volume and its pool")
    scheduled: Scheduled = services.schedules
    if sent.instance:
        subject = await request.run(services.schedules.subject, request.project, sent.instance)
    else:
        scheduled = services.volumes.schedules
        subject = await request.run(services.volumes.schedules.subject, request.project, sent.pool, sent.volume)
    previewer = services.schedule_previewer
    found = await request.run(previewer.preview, scheduled, subject, draft, is_volume=bool(sent.volume))
    return sync(preview_shape(found))


def _draft(sent: wire.SchedulePreviewPost) -> ScheduleDraft:
    return ScheduleDraft(
        schedule=sent.schedule,
        pattern=sent.pattern,
        keep=sent.keep,
        expiry=sent.expiry,
        label=sent.label,
        count=sent.count,
    )


ROUTES = (
    Route(
        method="GET",
        path="/1.0/snapshot-schedules",
        handler=list_schedules,
        summary="List schedules of snapshots",
        permission=Permission.PROJECT,
        gives=list[wire.SnapshotSchedule],
        query=("project", "all-projects", "recursion"),
    ),
    Route(
        method="GET",
        path="/1.0/instances/{name}/snapshot-plan",
        handler=get_plan,
        summary="Show what becomes of the snapshots of an instance",
        permission=Permission.PROJECT,
        gives=list[wire.PlannedSnapshot],
    ),
    Route(
        method="POST",
        path="/1.0/schedule-preview",
        handler=preview_schedule,
        summary="Show what a schedule would do: next runs, name, what would be kept",
        permission=Permission.PROJECT,
        takes=wire.SchedulePreviewPost,
        gives=wire.SchedulePreview,
        query=("project",),
    ),
)
