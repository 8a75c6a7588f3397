"""The optimized form of an export: for each subvolume one stream of the storage driver, named after its place.

| member                                         | subvolume                                     |
|------------------------------------------------|-----------------------------------------------|
| `backup/snapshots/<name>.bin`                  | the top of a snapshot                         |
| `backup/snapshots/<name>_<encoded path>.bin`   | one nested in it                              |
| `backup/container.bin`, `…_<encoded path>.bin` | those of the instance itself                  |

For custom volumes `volume-snapshots` stands instead of `snapshots`, and `volume` instead of `container`.

A path is encoded without its leading slash: `-` becomes `--`, then `/` becomes `-`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from holdfast.archive.layout import Layout
from holdfast.model.errors import ArchiveError
from holdfast.wire.optimized_header import (
    HeaderFormatError,
    OptimizedHeader,
    SubvolumeEntry,
    dump_header,
    parse_header,
)

HEADER: Final = "backup/optimized_header.yaml"
SUFFIX: Final = ".bin"
MAIN_NAME: Final = ".backup"
"""What the subvolume is called in the stream of the instance itself; that of a snapshot has the snapshot's name."""
_MOST_SUBVOLUMES: Final = 10_000


@dataclass(frozen=True, slots=True)
class StreamPlace:
    """One subvolume: of a snapshot (None: of the instance or volume), at `path` inside ("" is the top)."""

    layout: Layout
    snapshot: str | None
    path: str
    is_read_only: bool = False
    identity: str = ""

    @property
    def member(self) -> str:
        base = self.layout.prefix(self.snapshot)
        encoded = self.path.replace("-", "--").replace("/", "-")
        return f"{base}_{encoded}{SUFFIX}" if self.path else f"{base}{SUFFIX}"

    @property
    def stream_name(self) -> str:
        """The name that the stream gives to its subvolume."""
        if self.path:
            return self.path.rpartition("/")[2]
        return self.snapshot or MAIN_NAME


def header_document(places: Sequence[StreamPlace]) -> bytes:
    """Return the document that describes the streams."""
    return dump_header(
        OptimizedHeader(
            subvolumes=[
                SubvolumeEntry(
                    path=f"/{place.path}",
                    snapshot=place.snapshot or "",
                    readonly=place.is_read_only,
                    uuid=place.identity,
                )
                for place in places
            ]
        )
    )


def places_of(document: bytes | None, layout: Layout, snapshots: Sequence[str]) -> list[StreamPlace]:
    """Return the streams that a file must hold, in their order; old files have no header, and nothing nested.

    Raises `ArchiveError` for a header that doesn't fit the snapshots of the index.
    """
    wanted: list[str | None] = [*snapshots, None]
    if document is None:
        return [StreamPlace(layout, name, "", is_read_only=name is not None) for name in wanted]
    try:
        entries = parse_header(document).subvolumes
    except HeaderFormatError as error:
        raise ArchiveError(f"optimized_header.yaml is not valid: {error}") from error
    return checked_places(entries, layout, wanted, "optimized_header.yaml")


def checked_places(
    entries: Sequence[SubvolumeEntry], layout: Layout, wanted: Sequence[str | None], where: str
) -> list[StreamPlace]:
    """Return the streams that a list announces: those of each wanted snapshot in their order, its top first.

    Raises `ArchiveError`, which names the list by `where`, for one that doesn't fit.
    """
    places = [
        StreamPlace(layout, entry.snapshot or None, _checked_path(entry.path, where), entry.readonly, entry.uuid)
        for entry in entries
    ]
    tops = [place.snapshot for place in places if not place.path]
    order = list(dict.fromkeys(place.snapshot for place in places))
    if tops != list(wanted) or order != list(wanted) or len(places) > _MOST_SUBVOLUMES:
        raise ArchiveError(f"{where} does not list the snapshots of the index in their order")
    _check_nesting(places, where)
    return places


def _check_nesting(places: Sequence[StreamPlace], where: str) -> None:
    if len({(place.snapshot, place.path) for place in places}) != len(places):
        raise ArchiveError(f"{where} lists a subvolume twice")
    if len({place.member for place in places}) != len(places):
        raise ArchiveError(f"{where} lists two subvolumes of one name")
    for before, place in pairwise(places):
        if place.snapshot != before.snapshot and place.path:
            raise ArchiveError(f"{where} lists a nested subvolume before its volume")


def _checked_path(path: str, where: str) -> str:
    """Return a subvolume's path without its leading slash."""
    parts = path.split("/")
    is_top = path == "/"
    if parts[0] or "\0" in path or len(path) > 4000 or (not is_top and any(p in ("", ".", "..") for p in parts[1:])):
        raise ArchiveError(f"{where} names a subvolume that can't be")
    return "" if is_top else path[1:]
