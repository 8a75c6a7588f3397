"""Which images and volumes a word of their lists selects: `debian`, `os=Debian`, `type=custom`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Final, TypeVar

import click

from holdfast.cli.instance_filters import is_key, is_regex_of
from holdfast.client.shapes import Image, Volume

AnyImage = TypeVar("AnyImage", bound=Image)
_IMAGE_FIELDS: Final = ("type", "architecture", "fingerprint", "filename", "public", "cached", "auto_update")
_IMAGE_PROPERTIES: Final = ("description", "name", "os", "release", "serial", "variant", "version")
"""Which images have in general: not to have one of them is no mistake."""
_VOLUME_FIELDS: Final = ("name", "type", "content_type", "description", "project", "location")
_VOLUME_KEYS: Final = ("size",)


def matching_images(images: Iterable[AnyImage], words: Collection[str]) -> list[AnyImage]:
    """Return those that all words mean; a key that no image can have is refused."""
    found = list(images)
    settings = [each["properties"] or {} for each in found]
    _check_keys(words, _IMAGE_FIELDS, (*_IMAGE_PROPERTIES, *_keys_of(settings)))
    return [image for image in found if all(_is_image(image, word) for word in words)]


def matching_volumes(volumes: Iterable[Volume], words: Collection[str]) -> list[Volume]:
    """Return those that all words mean; a key that no volume can have is refused."""
    found = list(volumes)
    _check_keys(words, _VOLUME_FIELDS, (*_VOLUME_KEYS, *_keys_of(each["config"] for each in found)))
    return [volume for volume in found if all(_is_volume(volume, word) for word in words)]


def _is_image(image: Image, word: str) -> bool:
    key, equals, value = word.partition("=")
    if not equals:
        names = [alias["name"] for alias in image["aliases"] or []]
        return word in image["fingerprint"] or any(word in name for name in names)
    return _has(image, _IMAGE_FIELDS, image["properties"] or {}, key, value)


def _is_volume(volume: Volume, word: str) -> bool:
    key, equals, value = word.partition("=")
    if not equals:
        return word in volume["name"]
    return _has(volume, _VOLUME_FIELDS, volume["config"], key, value)


def _has(
    document: Mapping[str, object], fields: Collection[str], settings: Mapping[str, str], key: str, value: str
) -> bool:
    """Tell whether a field is the value, or a setting that the key means matches it."""
    if key in fields and _text(document.get(key, "")) == value.lower():
        return True
    return any(is_key(key, known) and is_regex_of(value, text) for known, text in settings.items())


def _text(value: object) -> str:
    return str(value).lower()


def _keys_of(settings: Iterable[Mapping[str, str]]) -> set[str]:
    return {key for each in settings for key in each}


def _check_keys(words: Iterable[str], fields: Collection[str], known: Collection[str]) -> None:
    """Refuse KEY=VALUE whose key is neither field nor setting; one with a dot may be a setting that none has now."""
    for word in words:
        key, equals, _ = word.partition("=")
        if equals and "." not in key and key not in (*fields, *known):
            names = ", ".join(sorted({*fields, *(each for each in known if "." not in each)}))
            raise click.UsageError(f'There is no key "{key}" to choose by. Known are: {names}')
