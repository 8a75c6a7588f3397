"""One validator for every name, whoever sends it: request, archive, database or command line."""

from __future__ import annotations

import re
from typing import Final

from holdfast.model.errors import BadRequestError

_HOST_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,61}[A-Za-z0-9]|[A-Za-z]")
_SNAPSHOT_FORBIDDEN_SYNC = "/?&+"


def check_instance_name(name: str) -> str:
    """Return the name if it is a valid host name label (1-63 of letters, digits, hyphen; LXD's rule)."""
    if not name or len(name) > 63:
        raise BadRequestError("Invalid instance name: Name must be 1-63 characters long")
    if not re.fullmatch(r"[A-Za-z0-9-]+", name):
        raise BadRequestError("Invalid instance name: Name can only contain alphanumeric and hyphen characters")
    if name[0].isdigit() or name[0] == "-":
        raise BadRequestError("Invalid instance name: Name must not start with a number or hyphen")
    if name[-1] == "-":
        raise BadRequestError("Invalid instance name: Name must not end with a hyphen")
    assert _HOST_NAME.fullmatch(name)
    return name


def check_snapshot_name(name: str, *, of: str = "instance") -> str:
    """Return the name if it can be a snapshot's: one safe path component without characters special in a URL."""
    for character in _SNAPSHOT_FORBIDDEN_SYNC:
        if character in name:
            raise BadRequestError(f'Invalid snapshot name: Cannot contain "{character}"')
    if not name or name in (".", ".."):
        raise BadRequestError('Invalid snapshot name: Cannot be empty, "." or ".."')
    if any(c.isspace() or ord(c) < 32 or ord(c) == 127 for c in name):
        raise BadRequestError(f"Invalid {of} snapshot name: Cannot contain space or / characters")
    if len(name.encode()) > 255:
        raise BadRequestError("Invalid snapshot name: Longer than 255 bytes")
    return name


LONGEST_PROJECT_BYTES: Final = 100
"""With an instance's name and what stands around both in names of directories and control groups it stays below 255."""


LONGEST_VOLUME_BYTES: Final = 150
"""With the longest project's name before it, it is still one name of a directory."""


def check_volume_name(name: str) -> str:
    """Return the name if it can be a custom volume's."""
    if not name:
        raise BadRequestError("No name provided")
    return check_entity_name("Storage volume", name, most_bytes=LONGEST_VOLUME_BYTES)


def check_entity_name(kind: str, name: str, *, most_bytes: int = 200) -> str:
    """Return the name of a pool, profile, project, volume or backup if it is one safe path component.

    `kind` starts the error text ("Storage pool", "Profile", ...).
    """
    if not name:
        raise BadRequestError(f"{kind} name can't be empty")
    if "/" in name:
        raise BadRequestError(f"{kind} names may not contain slashes")
    if name in (".", "..") or name.startswith("-"):
        raise BadRequestError(f'Invalid {kind.lower()} name "{name}"')
    if any(c.isspace() or ord(c) < 32 or ord(c) == 127 or c in "'\"*?&\\" for c in name):
        raise BadRequestError(f'Invalid {kind.lower()} name "{name}": Cannot contain spaces, quotes or wildcards')
    if len(name.encode()) > most_bytes:
        raise BadRequestError(f"Invalid {kind.lower()} name: Longer than {most_bytes} bytes")
    return name
