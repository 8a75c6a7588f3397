"""Names for images. Reading, making, changing and removing them is quick: no operation, one transaction each."""

from __future__ import annotations

from dataclasses import replace

from holdfast.db import aliases as table
from holdfast.db.database import Connection, Database
from holdfast.db.images import get as get_image
from holdfast.model.errors import BadRequestError, ImageAliasNotFoundError, ImageNotFoundError
from holdfast.model.image import ImageAlias
from holdfast.service.caller import Caller
from holdfast.service.events import EventBus
from holdfast.service.project_features import home
from holdfast.service.resources import url

_MOST_BYTES = 255


class ImageAliasService:
    """Aliases of the images of each project."""

    def __init__(self, *, database: Database, events: EventBus) -> None:
        self._database, self._events = database, events

    def list(self, project: str | None) -> list[ImageAlias]:
        """Return the aliases of a project, of all when None, by name."""
        with self._database.read() as connection:
            return table.list_all(connection, project and home(connection, project, "images"))

    def get(self, project: str, name: str) -> ImageAlias:
        with self._database.read() as connection:
            return self._require(connection, project, name)

    def create(self, caller: Caller, name: str, target: str, description: str = "") -> ImageAlias:
        """Add a name for the image whose fingerprint is, or begins with, `target`."""
        check_alias_name(name)
        with self._database.write() as connection:
            image = get_image(connection, home(connection, caller.project, "images"), target)
            if image is None:
                raise ImageNotFoundError(target)
            alias = ImageAlias(
                project=image.project, name=name, target=image.fingerprint, description=description, type=image.type
            )
            table.insert(connection, alias)
        self._announce(caller, "image-alias-created", alias, target=image.fingerprint)
        return alias

    def update(self, caller: Caller, name: str, *, target: str | None = None, description: str | None = None) -> None:
        """Change where it leads or its description; None keeps what is there."""
        with self._database.write() as connection:
            alias = self._require(connection, caller.project, name)
            image = get_image(connection, alias.project, target or alias.target)
            if image is None:
                raise ImageNotFoundError(target or alias.target)
            text = alias.description if description is None else description
            changed = replace(alias, target=image.fingerprint, type=image.type, description=text)
            table.update(connection, changed)
        self._announce(caller, "image-alias-updated", alias, target=image.fingerprint)

    def rename(self, caller: Caller, name: str, new_name: str) -> None:
        check_alias_name(new_name)
        with self._database.write() as connection:
            alias = self._require(connection, caller.project, name)
            table.rename(connection, alias.project, name, new_name)
        self._announce(caller, "image-alias-renamed", replace(alias, name=new_name), old_name=name)

    def delete(self, caller: Caller, name: str) -> None:
        with self._database.write() as connection:
            alias = self._require(connection, caller.project, name)
            table.delete(connection, alias.project, name)
        self._announce(caller, "image-alias-deleted", alias)

    @staticmethod
    def _require(connection: Connection, project: str, name: str) -> ImageAlias:
        alias = table.get(connection, home(connection, project, "images"), name)
        if alias is None:
            raise ImageAliasNotFoundError(name)
        return alias

    def _announce(self, caller: Caller, action: str, alias: ImageAlias, **context: str) -> None:
        source = url("images", "aliases", alias.name, project=alias.project)
        self._events.lifecycle(caller, alias.project, action, source, **context)


def check_alias_name(name: str) -> str:
    """Return the name if it can be an alias: "debian/12" is one, so slashes are; what hides or misleads is not."""
    if not name:
        raise BadRequestError("Image alias name can't be empty")
    if len(name.encode()) > _MOST_BYTES:
        raise BadRequestError("Image alias name is longer than 255 bytes")
    parts = name.split("/")
    if any(part in ("", ".", "..") for part in parts) or any(c.isspace() or not c.isprintable() for c in name):
        raise BadRequestError(f'Invalid image alias name "{name}": Cannot contain spaces or empty path parts')
    return name
