"""What an instance has from its image beside the root file system: architecture, properties, templates."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from holdfast.archive import image_metadata
from holdfast.archive.image_metadata import ImageMetadata
from holdfast.model.errors import ArchiveError, InternalError
from holdfast.model.instance import Instance
from holdfast.model.operation import JsonValue
from holdfast.service import template_files
from holdfast.service.caller import Caller
from holdfast.service.image_templates import read_document
from holdfast.service.locks import instance_lock
from holdfast.service.resources import url
from holdfast.service.surroundings import Surroundings, volume_of


class MetadataService:
    """Reads and changes metadata.yaml of instances, and the templates that it names."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    def get(self, project: str, name: str) -> dict[str, JsonValue]:
        """Return the document as the API shows it; an instance without an image has an empty one."""
        instance = self._around.instance(project, name)
        try:
            document = read_document(self._volume(instance))
        except FileNotFoundError:
            return _shown(ImageMetadata(architecture=instance.architecture))
        except OSError as error:
            raise InternalError(f"metadata.yaml of {name} can't be read: {error.strerror}") from error
        try:
            return _shown(image_metadata.parse(document))
        except ArchiveError as error:
            raise InternalError(f"metadata.yaml of {name} can't be understood: {error}") from error

    def show(self, caller: Caller, name: str) -> dict[str, JsonValue]:
        """Return the document to someone who asked for it, and tell so."""
        document = self.get(caller.project, name)
        self._tell(caller, self._around.instance(caller.project, name), "retrieved")
        return document

    def replace(self, caller: Caller, name: str, document: bytes) -> None:
        """Write the whole document, sent as JSON or YAML; `BadRequestError` for one that an image couldn't have."""
        metadata = image_metadata.parse(document)
        with self._changing(caller, name) as (instance, volume):
            template_files.write_document(volume, image_metadata.dump(metadata))
        self._tell(caller, instance, "updated")

    def templates(self, project: str, name: str) -> Sequence[str]:
        return template_files.names(self._volume(self._around.instance(project, name)))

    def template(self, caller: Caller, name: str, template: str) -> bytes:
        instance = self._around.instance(caller.project, name)
        content = template_files.read(self._volume(instance), template)
        self._tell(caller, instance, "template-retrieved", "templates", path=template)
        return content

    def write_template(self, caller: Caller, name: str, template: str, content: bytes) -> None:
        """Make or replace a template; it counts from the next start that it is for."""
        with self._changing(caller, name) as (instance, volume):
            template_files.write(volume, template, content)
        self._tell(caller, instance, "template-created", "templates", path=template)

    def delete_template(self, caller: Caller, name: str, template: str) -> None:
        with self._changing(caller, name) as (instance, volume):
            template_files.remove(volume, template)
        self._tell(caller, instance, "template-deleted", "templates", path=template)

    def _tell(self, caller: Caller, instance: Instance, verb: str, *below: str, **context: JsonValue) -> None:
        source = url("instances", instance.name, "metadata", *below, project=instance.project)
        self._around.events.lifecycle(caller, instance.project, f"instance-metadata-{verb}", source, **context)

    @contextmanager
    def _changing(self, caller: Caller, name: str) -> Iterator[tuple[Instance, Path]]:
        with self._around.locks.hold(instance_lock(caller.project, name), what="update"):
            instance = self._around.instance(caller.project, name)
            yield instance, self._volume(instance)

    def _volume(self, instance: Instance) -> Path:
        return self._around.driver(instance).path(volume_of(instance))


def _shown(metadata: ImageMetadata) -> dict[str, JsonValue]:
    return {
        "architecture": metadata.architecture,
        "creation_date": _seconds(metadata.created_at),
        "expiry_date": _seconds(metadata.expires_at),
        "properties": {**metadata.properties},
        "templates": {**metadata.templates} or None,
    }


def _seconds(time: datetime | None) -> int:
    return int(time.timestamp()) if time else 0
