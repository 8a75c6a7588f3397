"""Making an instance from an image or from nothing; copies are made in `copies`."""

from __future__ import annotations

import os
import random
from dataclasses import replace
from typing import Protocol

from holdfast.model.architecture import runnable
from holdfast.model.errors import BadRequestError, UnsupportedError
from holdfast.model.expand import expand_devices
from holdfast.model.image import Image
from holdfast.model.instance_identity import BASE_IMAGE_KEY
from holdfast.model.kinds import InstanceType
from holdfast.model.names import check_instance_name
from holdfast.model.operation import Operation
from holdfast.model.pet_names import pet_name
from holdfast.model.root_disk import root_size_bytes
from holdfast.model.usable_rules import INSTANCE_NAMES, check_usable
from holdfast.service.caller import Caller
from holdfast.service.image_add import ImageRequest
from holdfast.service.images import ImageService
from holdfast.service.instance_building import Builder, NewInstance
from holdfast.service.instance_requests import FromCopy, FromImage, FromRemoteImage, InstanceRequest, Source
from holdfast.service.intents import Intent
from holdfast.service.locks import image_lock, instance_lock
from holdfast.service.operation_handle import OperationHandle
from holdfast.service.power import PowerService
from holdfast.service.progress import transfer_text
from holdfast.service.resources import instance_resources
from holdfast.service.start_spec import ROOTFS
from holdfast.service.surroundings import Surroundings
from holdfast.storage.driver import Driver, Origin


class Copier(Protocol):
    """What creation needs of copying."""

    def copy(self, caller: Caller, request: InstanceRequest, source: FromCopy) -> Operation: ...


class Creator:
    """Makes instances from images and from nothing."""

    def __init__(self, surroundings: Surroundings, builder: Builder, images: ImageService, power: PowerService) -> None:
        self._around, self._builder, self._images, self._power = surroundings, builder, images, power

    def create(self, caller: Caller, request: InstanceRequest, source: Source, copier: Copier) -> Operation:
        """Start to make an instance. What can be checked without waiting is checked before this returns."""
        if request.type not in (None, InstanceType.CONTAINER):
            raise UnsupportedError("Virtual machines can't be made by this server yet")
        if request.name:
            check_instance_name(request.name)
        else:
            request = replace(request, name=self._pet_name(caller.project))
        if isinstance(source, FromCopy):
            return copier.copy(caller, request, source)
        check_usable({}, request.config, INSTANCE_NAMES)
        image = self._image(caller.project, source) if isinstance(source, FromImage) else None
        wanted, request = request, replace(request, architecture=_architecture(request, image))
        self._builder.check_profiles(caller.project, request)

        def work(handle: OperationHandle) -> None:
            if not isinstance(source, FromRemoteImage):
                self._make(caller, request, image, handle)
                return
            fetched = self._images.fetcher.bring(caller, source.image, ImageRequest(cached=True), handle)
            self._make(caller, replace(request, architecture=_architecture(wanted, fetched)), fetched, handle)

        resources = instance_resources(caller.project, request.name)
        return self._around.operations.start(caller, "Creating instance", work, resources=resources, may_cancel=True)

    def start_if_wanted(self, caller: Caller, request: InstanceRequest) -> None:
        """Start the new instance, which the caller holds, if the request says so."""
        if request.start:
            self._power.start_now(caller, self._around.instance(caller.project, request.name))

    # --- from an image, from nothing --------------------------------------------------------------------------------

    def _pet_name(self, project: str) -> str:
        return pet_name(random.choice, lambda name: self._around.exists(project, name))

    def _image(self, project: str, source: FromImage) -> Image:
        project = source.project or project
        if source.fingerprint:
            image = self._images.get(project, source.fingerprint)
        elif source.alias:
            image = self._images.by_alias(project, source.alias)
        elif source.properties:
            image = self._images.by_properties(project, source.properties)
        else:
            raise BadRequestError("Must specify one of alias, fingerprint or properties for init from image")
        if image.type is not InstanceType.CONTAINER:
            raise UnsupportedError("The image is one of a virtual machine, which this server can't make yet")
        return image

    def _make(self, caller: Caller, request: InstanceRequest, image: Image | None, handle: OperationHandle) -> None:
        def plan() -> NewInstance:
            return self._builder.plan(caller.project, request, _image_config(image), "create")

        images = (image_lock(image.fingerprint),) if image else ()
        names = (instance_lock(caller.project, request.name),)
        with self._builder.keeping(plan, names, also=images) as new:
            self._builder.build(caller, new, lambda driver, intent: self._fill(driver, intent, new, image, handle))
            if image is not None:
                self._images.touch(image)
            self.start_if_wanted(caller, request)

    def _fill(
        self, driver: Driver, intent: Intent, new: NewInstance, image: Image | None, handle: OperationHandle
    ) -> None:
        token = intent.token()
        if image is None:
            rootfs = driver.stage(token) / ROOTFS
            rootfs.mkdir()
            rootfs.chmod(0o755)
        else:

            def show(done_bytes: int) -> None:
                handle.progress("create_instance_from_image_unpack_progress", _unpack_text(image, done_bytes))

            if driver.features.image_volumes:
                volume = self._images.ensure_volume(
                    image, driver.pool.name, progress=show, cancelled=handle.is_cancelled
                )
                driver.stage(token, Origin(volume=volume), cancelled=handle.is_cancelled)
            else:
                self._images.unpack_into(image, driver.stage(token), progress=show, cancelled=handle.is_cancelled)
        driver.set_staged_quota(token, root_size_bytes(expand_devices(new.profiles, new.instance.devices)))
        handle.check()
        handle.set_may_cancel(may_cancel=False)


def _architecture(request: InstanceRequest, image: Image | None) -> str:
    host = os.uname().machine
    return runnable(request.architecture or (image.architecture if image else host), host)


def _image_config(image: Image | None) -> dict[str, str]:
    if image is None:
        return {}
    properties = {f"image.{key}": value for key, value in image.properties.items() if key}
    return {**properties, BASE_IMAGE_KEY: image.fingerprint}


def _unpack_text(image: Image, done_bytes: int) -> str:
    return transfer_text("Unpack", done_bytes, image.size_bytes)
