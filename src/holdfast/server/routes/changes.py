"""Two points of an instance or custom volume, compared. LXD has nothing like it."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from holdfast.model.errors import BadRequestError
from holdfast.server.answers import sync
from holdfast.server.file_answers import readable
from holdfast.server.request import ApiRequest
from holdfast.server.route import Permission, Route
from holdfast.server.volume_bodies import require_custom
from holdfast.service.changes import MOST_ENTRIES, Changes, Question
from holdfast.wire import changes as wire

_QUERY: Final = ("project", "from", "to", "path", "offset", "limit")
_MOST_DIGITS: Final = 9


async def get_instance_changes(request: ApiRequest) -> web.StreamResponse:
    """Answer with what differs between the snapshot `from` and the snapshot `to`, or now."""
    question = _question(request)
    service = request.services.changes
    found = await request.run(service.of_instance, request.project, request.path("name"), question)
    return sync(_shape(question, found))


async def get_volume_changes(request: ApiRequest) -> web.StreamResponse:
    require_custom(request)
    question = _question(request)
    service = request.services.changes
    found = await request.run(
        service.of_volume, request.project, request.path("pool"), request.path("volume"), question
    )
    return sync(_shape(question, found))


def _question(request: ApiRequest) -> Question:
    return Question(
        before=request.query("from"),
        after=request.query("to"),
        path=request.query("path") or "/",
        offset=_number(request, "offset", 0),
        limit=_number(request, "limit", MOST_ENTRIES),
    )


def _number(request: ApiRequest, name: str, usual: int) -> int:
    text = request.query(name)
    if not text:
        return usual
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS):
        raise BadRequestError(f"Invalid {name}: give a number")
    return int(text)


def _shape(question: Question, found: Changes) -> wire.Changes:
    counts = {change.value: count for change, count in found.counts.items()}
    entries = [
        wire.ChangedEntry(
            path="/" + readable(each.path),
            change=each.change.value,
            type=each.kind,
            old_size=each.old_bytes,
            new_size=each.new_bytes,
            what=list(each.what),
        )
        for each in found.page
    ]
    return wire.Changes(
        from_=question.before,
        to=question.after,
        path=question.path,
        added=counts["added"],
        changed=counts["changed"],
        removed=counts["removed"],
        complete=found.is_complete,
        entries=entries,
        next_offset=found.next_offset,
    )


ROUTES = (
    Route(
        method="GET",
        path="/1.0/instances/{name}/changes",
        handler=get_instance_changes,
        summary="Compare two snapshots of an instance, or one with now",
        permission=Permission.PROJECT,
        gives=wire.Changes,
        query=_QUERY,
    ),
    Route(
        method="GET",
        path="/1.0/storage-pools/{pool}/volumes/{type}/{volume}/changes",
        handler=get_volume_changes,
        summary="Compare two snapshots of a custom volume, or one with now",
        permission=Permission.PROJECT,
        gives=wire.Changes,
        query=_QUERY,
    ),
)
