"""Arguments that name volumes: `data`, `custom/data`, `data/snap0`, `container/web`, and with a pool `fast/data`."""

from __future__ import annotations

from dataclasses import dataclass, field

import click

from holdfast.cli.references import split_remote, strip_remote

KINDS = ("container", "virtual-machine", "image", "custom")


@dataclass(frozen=True)
class VolumeReference:
    """A volume of a kind, or one of its snapshots when `snapshot` is not empty."""

    kind: str
    name: str
    snapshot: str = ""

    def __str__(self) -> str:
        whole = f"{self.name}/{self.snapshot}" if self.snapshot else self.name
        return whole if self.is_custom else f"{self.kind}/{whole}"

    @property
    def is_custom(self) -> bool:
        return self.kind == "custom"

    def require_custom(self, *, or_snapshot: bool = False, word: str = "") -> str:
        """Return the name; a volume of an instance or image, or a snapshot where none fits, is refused.

        A command that changes nothing has a `word` by which it is done for instances and for images.
        """
        if not self.is_custom and word:
            owner, words = ("image", f"image {word}") if self.kind == "image" else ("instance", word)
            raise click.UsageError(
                f"{self} is the root disk of the {owner} {self.name}, and custom volumes are meant here: "
                f"`holdfast {words} {self.name}` is for that"
            )
        if not self.is_custom:
            raise click.UsageError(f"{self} belongs to an instance or image, and can only be changed with that")
        if self.snapshot and not or_snapshot:
            raise click.UsageError(f"{self} is a snapshot; a volume is needed here")
        return self.name


class VolumeType(click.ParamType[VolumeReference]):
    """Takes `[type/]volume[/snapshot]`."""

    name = "volume"

    def convert(
        self, value: str | VolumeReference, param: click.Parameter | None, ctx: click.Context | None
    ) -> VolumeReference:
        if isinstance(value, VolumeReference):
            return value
        first, slash, rest = value.partition("/")
        kind, whole = (first, rest) if slash and first in KINDS else ("custom", value)
        name, slash, snapshot = whole.partition("/")
        if not name or (slash and not snapshot):
            self.fail(f'"{value}" is not of the form VOLUME or VOLUME/SNAPSHOT', param, ctx)
        return VolumeReference(kind, name, snapshot)


@dataclass(frozen=True)
class PlacedVolume:
    """A volume, or a snapshot of one, with its pool."""

    pool: str
    volume: VolumeReference
    remote: str = field(default="", compare=False)
    """As it was said; "" for no word of it."""

    def __str__(self) -> str:
        return f"{self.pool}/{self.volume}"


class PlacedVolumeType(click.ParamType[PlacedVolume]):
    """Takes `[REMOTE:]pool/volume[/snapshot]`."""

    name = "pool/volume"

    def __init__(self, *, is_target: bool = False) -> None:
        """A target doesn't say which server the command is about."""
        self._is_target = is_target

    def convert(
        self, value: str | PlacedVolume, param: click.Parameter | None, ctx: click.Context | None
    ) -> PlacedVolume:
        if isinstance(value, PlacedVolume):
            return value
        remote, whole = split_remote(value)
        if not self._is_target:
            strip_remote(value)
        pool, slash, rest = whole.partition("/")
        if not pool or not slash or not rest:
            self.fail(f'"{value}" is not of the form POOL/VOLUME', param, ctx)
        return PlacedVolume(pool, VOLUME.convert(rest, param, ctx), remote)


VOLUME = VolumeType()
PLACED_VOLUME = PlacedVolumeType()
TARGET_VOLUME = PlacedVolumeType(is_target=True)
