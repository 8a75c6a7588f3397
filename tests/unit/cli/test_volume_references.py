"""Words that name volumes."""

from __future__ import annotations

import click
import pytest

from holdfast.cli.commands.volume_references import PLACED_VOLUME, VOLUME, PlacedVolume, VolumeReference


@pytest.mark.parametrize(
    ("text", "kind", "name", "snapshot"),
    [
        ("data", "custom", "data", ""),
        ("custom/data", "custom", "data", ""),
        ("data/snap0", "custom", "data", "snap0"),
        ("custom/data/snap0", "custom", "data", "snap0"),
        ("container/web", "container", "web", ""),
        ("image/0123", "image", "0123", ""),
    ],
)
def test_volumes(text: str, kind: str, name: str, snapshot: str) -> None:
    assert VOLUME.convert(text, None, None) == VolumeReference(kind, name, snapshot)


@pytest.mark.parametrize("text", ["", "/snap0", "data/", "container/"])
def test_no_volumes(text: str) -> None:
    with pytest.raises(click.BadParameter):
        VOLUME.convert(text, None, None)


def test_volumes_with_their_pool() -> None:
    wanted = PlacedVolume("fast", VolumeReference("custom", "data", "snap0"))
    assert PLACED_VOLUME.convert("fast/data/snap0", None, None) == wanted
    with click.Context(click.Command("any")):
        assert PLACED_VOLUME.convert("local:fast/data/snap0", None, None) == wanted
    for text in ("data", "/data", "fast/"):
        with pytest.raises(click.BadParameter):
            PLACED_VOLUME.convert(text, None, None)


def test_what_can_be_changed() -> None:
    assert VolumeReference("custom", "data").require_custom() == "data"
    assert VolumeReference("custom", "data", "snap0").require_custom(or_snapshot=True) == "data"
    with pytest.raises(click.UsageError, match="data/snap0 is a snapshot"):
        VolumeReference("custom", "data", "snap0").require_custom()
    with pytest.raises(click.UsageError, match="container/web belongs to an instance"):
        VolumeReference("container", "web").require_custom()
