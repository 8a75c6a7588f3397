"""Run a command as a user without rights on anything of ours, wherever the clone lies (even below a 0700 /root)."""

from __future__ import annotations

from typing import Final

AS_NOBODY: Final = (
    "setpriv",
    "--reuid=65534",
    "--regid=65534",
    "--clear-groups",
    "--inh-caps=+dac_read_search",
    "--ambient-caps=+dac_read_search",
)
"""The one capability lets it read the program's files; opening a socket takes the right to write."""
