"""The versions of the metadata in export files."""

from __future__ import annotations

from typing import Final

VERSIONS: Final = (1, 2)
DEFAULT_VERSION: Final = 1
"""What is written when nobody says: every LXD and Incus reads it."""
