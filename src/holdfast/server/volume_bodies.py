"""From what clients send about custom volumes to what the services understand."""

from __future__ import annotations

from holdfast.model.errors import BadRequestError
from holdfast.model.kinds import ContentType, VolumeType
from holdfast.server.request import ApiRequest
from holdfast.service.volume_requests import VolumeFromServer, VolumeMove, VolumeRequest, VolumeSource
from holdfast.wire import volume as wire

_SERVED = (ContentType.FILESYSTEM, ContentType.BLOCK)


def volume_type(request: ApiRequest) -> VolumeType:
    """Return the type that the path names."""
    try:
        return VolumeType(request.path("type"))
    except ValueError:
        raise BadRequestError("Invalid storage volume type name") from None


def require_custom(request: ApiRequest) -> None:
    """Refuse to change volumes that belong to instances and images."""
    if volume_type(request) is not VolumeType.CUSTOM:
        raise BadRequestError(
            f'Storage volumes of type "{request.path("type")}" can only be changed with what they belong to'
        )


def volume_request(sent: wire.VolumesPost) -> VolumeRequest:
    return VolumeRequest(
        name=sent.name,
        content_type=_content_type(sent.content_type),
        description=sent.description,
        config=sent.config or {},
    )


def volume_source(sent: wire.VolumesPost, pool: str) -> VolumeSource | None:
    """Return what of this server shall be copied, None for an empty volume."""
    source = sent.source
    match source.type:
        case "":
            return None
        case "copy":
            name, slash, snapshot = source.name.partition("/")
            if not name:
                raise BadRequestError("No source volume name supplied")
            return VolumeSource(
                pool=source.pool or pool,
                name=name,
                snapshot=snapshot if slash else None,
                project=source.project or None,
                volume_only=source.volume_only,
                refresh=source.refresh,
                keep_snapshots=source.keep_snapshots,
            )
        case _:
            raise BadRequestError(f'Unknown source type "{source.type}"')


def volume_from_server(sent: wire.VolumesPost) -> VolumeFromServer | None:
    """Return what shall come from another server, None if it doesn't."""
    if sent.source.type != "migration":
        return None
    source = sent.source
    return VolumeFromServer(
        volume_only=source.volume_only, refresh=source.refresh, keep_snapshots=source.keep_snapshots
    )


def volume_move(sent: wire.VolumePost) -> VolumeMove:
    """Return where a volume shall go on this server."""
    return VolumeMove(name=sent.name, pool=sent.pool, project=sent.project)


def _content_type(text: str) -> ContentType:
    for served in _SERVED:
        if text in ("", served.value):
            return served
    raise BadRequestError("Invalid volume content type name")
