"""Images that this server sends to another one, which expects them and has given a secret for that."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from holdfast.client.errors import ClientError
from holdfast.client.images import ImageFile, UploadKey
from holdfast.client.remote_images import Place, RemoteImages
from holdfast.model.errors import BadRequestError, ImageNotFoundError, ImageTransferError
from holdfast.model.image import Image
from holdfast.model.operation import Operation
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.operations import Operations
from holdfast.service.paths import Paths
from holdfast.service.progress import RateMeter
from holdfast.service.resources import url

PROGRESS_KEY: Final = "upload_progress"


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageTarget:
    """The server that expects an image, and the secret that it gave."""

    url: str
    certificate: str
    project: str
    secret: str


class ImagePusher:
    """Sends images."""

    def __init__(self, *, paths: Paths, operations: Operations, events: EventBus) -> None:
        self._paths, self._operations, self._events = paths, operations, events

    def push(self, caller: Caller, image: Image, target: ImageTarget) -> Operation:
        """Start to send."""
        if not target.secret:
            raise BadRequestError("Must specify the secret that the target gave for the image")
        try:
            remote = RemoteImages(Place(url=target.url, certificate=target.certificate, project=target.project))
        except ClientError as error:
            raise BadRequestError(str(error)) from error
        resources = {"images": [url("images", image.fingerprint, project=image.project)]}
        return self._operations.start(
            caller,
            "Downloading image",
            lambda handle: self._work(caller, image, target, remote, handle),
            resources=resources,
            may_cancel=True,
        )

    def _work(
        self, caller: Caller, image: Image, target: ImageTarget, remote: RemoteImages, handle: OperationHandle
    ) -> None:
        meter = RateMeter()

        def show(done_bytes: int, total_bytes: int | None) -> None:
            handle.check()
            handle.progress(PROGRESS_KEY, meter.percent_text(done_bytes, total_bytes or image.size_bytes))

        handle.on_cancel(remote.abort)
        key = UploadKey(image.fingerprint, target.secret)
        rootfs = self._paths.image_rootfs(image.fingerprint) if image.is_split else None
        file = ImageFile(self._paths.image(image.fingerprint), rootfs)
        try:
            remote.upload(file, key, show)  # opens the files first: a deletion doesn't take them away any more
        except FileNotFoundError as error:
            raise ImageNotFoundError(image.fingerprint) from error
        except ClientError as error:
            handle.check()
            raise ImageTransferError(f"Failed sending the image to {target.url}: {error}") from error
        source = url("images", image.fingerprint, project=image.project)
        self._events.lifecycle(caller, image.project, "image-retrieved", source)
