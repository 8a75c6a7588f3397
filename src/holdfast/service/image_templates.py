"""Files that an image's templates write into an instance at a start, and the host name of one that has no templates.

Image and instance are foreign: templates are read and files are written without following a link out of their tree.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from holdfast.archive import image_metadata
from holdfast.host.beneath import directory, open_beneath
from holdfast.model.errors import BadRequestError, HoldfastError, NotFoundError
from holdfast.model.image_template import LARGEST_BYTES, render
from holdfast.model.instance import Config, Instance
from holdfast.model.instance_identity import TEMPLATE_KEY
from holdfast.model.operation import JsonValue
from holdfast.runtime.base import FileAccess, FileWrite

METADATA: Final = "metadata.yaml"
_TEMPLATES: Final = "templates"
_HOST_NAME: Final = "/etc/hostname"
_METADATA_CAP_BYTES: Final = 1024 * 1024
_MOST_TEMPLATES: Final = 200

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Template:
    """One template: the file inside that it makes, and when."""

    target: str
    source: str
    when: tuple[str, ...]
    is_create_only: bool
    properties: Mapping[str, str] = field(default_factory=dict)


def apply_templates(instance: Instance, config: Config, volume: Path, files: FileAccess) -> None:
    """Write what is due at this start: `volatile.apply_template` names the trigger beside "start".

    A template that can't be rendered or written is logged and left out: it must not keep the instance from starting.
    """
    trigger = instance.config.get(TEMPLATE_KEY, "")
    templates = read_templates(volume)
    for template in templates:
        if trigger not in template.when and "start" not in template.when:
            continue
        try:
            _apply(template, instance, config, volume, files)
        except (HoldfastError, OSError, UnicodeError) as error:
            _log.warning("Instance %s: template for %s was left out: %s", instance.name, template.target, error)
    if trigger and not any(template.target == _HOST_NAME for template in templates):
        _name_host(instance, files)


def read_document(volume: Path) -> bytes:
    """Return metadata.yaml of a volume, empty where there is none; never through a link."""
    with directory(volume) as root:
        return _read(root, METADATA, _METADATA_CAP_BYTES)


def read_templates(volume: Path) -> list[Template]:
    """Return the templates that the image's metadata names; none if it can't be read."""
    try:
        metadata = image_metadata.parse(read_document(volume))
    except (HoldfastError, OSError):
        return []
    return list(_templates(metadata.templates))[:_MOST_TEMPLATES]


def _templates(entries: Mapping[str, JsonValue]) -> Iterator[Template]:
    for target, entry in entries.items():
        if not isinstance(entry, dict):
            continue
        when, source, properties = entry.get("when"), entry.get("template"), entry.get("properties")
        if isinstance(when, list) and isinstance(source, str) and source:
            yield Template(
                target,
                source,
                tuple(each for each in when if isinstance(each, str)),
                entry.get("create_only") is True,
                {key: str(value) for key, value in properties.items()} if isinstance(properties, dict) else {},
            )


def _apply(template: Template, instance: Instance, config: Config, volume: Path, files: FileAccess) -> None:
    if "/" in template.source or template.source in (".", ".."):
        raise BadRequestError(f'"{template.source}" is no name of a template')
    if template.is_create_only and _is_there(files, template.target):
        return
    with directory(volume) as root:
        text = _read(root, f"{_TEMPLATES}/{template.source}", LARGEST_BYTES + 1).decode()
    _write(files, template.target, render(text, name=instance.name, config=config, properties=template.properties))


def _name_host(instance: Instance, files: FileAccess) -> None:
    """Give a system that keeps its name in /etc/hostname the instance's."""
    try:
        if files.stat(_HOST_NAME).kind == "file":
            _write(files, _HOST_NAME, f"{instance.name}\n")
    except NotFoundError:
        return
    except (HoldfastError, OSError) as error:
        _log.warning("Instance %s: its host name could not be set: %s", instance.name, error)


def _is_there(files: FileAccess, path: str) -> bool:
    try:
        files.stat(path)
    except NotFoundError:
        return False
    return True


def _read(root: int, path: str, limit_bytes: int) -> bytes:
    descriptor = open_beneath(root, os.fsencode(path), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    with open(descriptor, "rb") as file:
        return file.read(limit_bytes)


def _write(files: FileAccess, path: str, text: str) -> None:
    source = os.memfd_create("template", os.MFD_CLOEXEC)
    with open(source, "r+b") as file:
        file.write(text.encode())
        file.flush()
        os.lseek(source, 0, os.SEEK_SET)
        files.write(FileWrite(path=path), source)
