"""The configuration keys of storage pools: what every driver takes, and the check of what one was given."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Final

from holdfast.model.errors import BadRequestError
from holdfast.model.sizes import parse_bytes

Check = Callable[[str], None]


def check_anything(value: str) -> None:
    """Take every text but one with line breaks."""
    if "\n" in value or "\0" in value:
        raise BadRequestError("Line breaks aren't allowed")


def check_size(value: str) -> None:
    """Take a size like "10GiB"."""
    parse_bytes(value)


def check_bool(value: str) -> None:
    """Take LXD's words for true and false."""
    if value.lower() not in ("true", "false", "1", "0", "yes", "no", "on", "off"):
        raise BadRequestError(f'Invalid value for a boolean "{value}"')


def check_path(value: str) -> None:
    """Take an absolute path without `..` in it."""
    check_anything(value)
    if not value.startswith("/") or ".." in value.split("/"):
        raise BadRequestError(f'"{value}" is no absolute path')


def check_path_or_uuid(value: str) -> None:
    """Take an absolute path, or a file system's UUID, as LXD records it for a block device."""
    if _UUID.fullmatch(value) is None:
        check_path(value)


COMMON: Final[Mapping[str, Check]] = {
    "source": check_path,
    "volatile.initial_source": check_anything,
    "rsync.bwlimit": check_size,
    "rsync.compression": check_bool,
}
_UUID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_FREE_PREFIXES: Final = ("user.", "volume.")


def check_config(config: Mapping[str, str], known: Mapping[str, Check]) -> None:
    """Raise `BadRequestError` for the first key that isn't known or value that isn't valid; "" means not set."""
    for key, value in sorted(config.items()):
        if key.startswith(_FREE_PREFIXES):
            continue
        check = known.get(key)
        if check is None:
            raise BadRequestError(f'Invalid option "{key}"')
        if not value:
            continue
        try:
            check(value)
        except BadRequestError as error:
            raise BadRequestError(f'Invalid value for option "{key}": {error}') from error
