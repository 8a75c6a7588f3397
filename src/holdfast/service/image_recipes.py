"""What `image build` can make: each recipe fills an empty directory with a root file system and says what it is.

A recipe leaves ids as seen inside, nothing in /dev, and nothing that two containers must not share (machine id, keys).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final, Protocol

from holdfast.model.errors import BadRequestError
from holdfast.service import recipe_busybox, recipe_debian

Report = Callable[[str], None]
OnCancel = Callable[[Callable[[], None]], None]


class Build(Protocol):
    """Fill `root`; `report` gets what is being done, `on_cancel` takes what ends it early."""

    def __call__(self, root: Path, *, report: Report, on_cancel: OnCancel) -> None: ...


@dataclass(frozen=True, kw_only=True, slots=True)
class Recipe:
    """One thing that can be built. `properties` become the image's, with the date of the build added."""

    name: str
    properties: Mapping[str, str]
    build: Build

    def dated_properties(self, now: datetime) -> dict[str, str]:
        """Return the image's properties when built at this time."""
        serial = now.strftime("%Y%m%d")
        description = f"{self.properties['description']} ({serial})"
        return {**self.properties, "serial": serial, "description": description}


def _debian(version: str, codename: str) -> Recipe:
    return Recipe(
        name=f"debian/{version}",
        properties={
            "description": f"Debian {version} {codename}",
            "os": "Debian",
            "release": codename,
            "version": version,
            "variant": "default",
        },
        build=recipe_debian.Builder(codename),
    )


_ALL: Final = (
    _debian("12", "bookworm"),
    _debian("13", "trixie"),
    Recipe(
        name="busybox",
        properties={"description": "BusyBox", "os": "BusyBox", "release": "static", "variant": "default"},
        build=recipe_busybox.build,
    ),
)
RECIPES: Final = {recipe.name: recipe for recipe in _ALL}


def find_recipe(name: str) -> Recipe:
    """Return the recipe of that name; the error for another one lists those that exist."""
    try:
        return RECIPES[name]
    except KeyError:
        raise BadRequestError(f'Unknown image recipe "{name}": Known are {", ".join(RECIPES)}') from None
