"""The names that an image shall have: looked at before the image comes, so that none is left without its name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from holdfast.client.errors import ClientError
from holdfast.client.images import Images


class TakenAliasError(ClientError):
    """An alias is that of another image."""

    def __init__(self, name: str, fingerprint: str, remedy: str) -> None:
        super().__init__(
            f'The alias "{name}" is that of image {fingerprint[:12]} already: {remedy}, or give another name'
        )


@dataclass(frozen=True)
class ImageNames:
    """Names for an image that is to come. `fresh` are those that no image has: they can be sent along with it."""

    images: Images
    names: Sequence[str]
    fresh: Sequence[str]

    @property
    def entries(self) -> list[dict[str, str]]:
        """The fresh ones as a request has them."""
        return [{"name": name, "description": ""} for name in self.fresh]

    def give(self, fingerprint: str) -> None:
        """Have the image bear them all, whichever it was given as it came."""
        targets = _targets(self.images) if self.names else {}
        for name in self.names:
            if targets.get(name) == fingerprint:
                continue
            if name in targets:
                self.images.move_alias(name, fingerprint)
            else:
                self.images.create_alias(name, fingerprint)


def names_for(images: Images, names: Sequence[str], *, fingerprint: str = "", remedy: str = "") -> ImageNames:
    """Look at the names that an image shall have.

    Without a `remedy` they are taken from the images that have them. With one, which says how to have such a name,
    one that belongs to another image than that with the `fingerprint` raises `TakenAliasError`.
    """
    wanted = list(dict.fromkeys(names))
    targets = _targets(images) if wanted else {}
    if remedy:
        for name in wanted:
            if targets.get(name, fingerprint) != fingerprint:
                raise TakenAliasError(name, targets[name], remedy)
    return ImageNames(images, wanted, [name for name in wanted if name not in targets])


def _targets(images: Images) -> dict[str, str]:
    """Return the fingerprint that each alias leads to."""
    return {each["name"]: each["target"] for each in images.aliases()}
