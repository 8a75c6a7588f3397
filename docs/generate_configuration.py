"""Writes docs/reference/configuration.md from the tables that the server checks by; a test sees that it is current."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import groupby
from pathlib import Path

from holdfast.model.config_keys import ConfigKey
from holdfast.model.instance_keys import INSTANCE_KEYS
from holdfast.model.server_keys import PROJECT_KEYS, SERVER_KEYS
from holdfast.model.volume_keys import UUID_KEY, VOLUME_KEYS

PAGE = Path(__file__).parent / "reference" / "configuration.md"
INTRODUCTION = """# Configuration keys

Made from the tables in `src/holdfast/model/` by `docs/generate_configuration.py`; don't edit it by hand.

A key that is not listed here is refused. *live*: a change takes effect at once, else at the next start of the instance.
Booleans are `true`, `1`, `yes`, `on` or `false`, `0`, `no`, `off`. Sizes are a number with `kB MB GB TB` (1000) or
`KiB MiB GiB TiB` (1024). An empty value unsets the key. Keys keep their meaning of LXD; some, such as those of virtual
machines, are taken and kept so that files and profiles of other servers work, before this server acts on them. Those
marked "Holdfast only" are unknown to LXD; in export files they stand as `user.holdfast.<key>`, so that LXD takes these.
"""
VOLUMES = """Set with `holdfast storage volume set POOL VOLUME KEY=VALUE`; `volume.KEY` of a pool is the default for
volumes that are made in it.
"""


def row(key: ConfigKey) -> str:
    default = f"`{key.default}`" if key.default else ""
    doc = key.doc.replace("|", "\\|") + (" (Holdfast only)" if key.is_ours else "")
    return f"| `{key.name}` | {key.type} | {default} | {'live' if key.is_live else ''} | {doc} |"


def table(keys: Iterable[ConfigKey]) -> str:
    head = "| key | type | default | | meaning |\n|---|---|---|---|---|\n"
    return head + "\n".join(row(key) for key in keys) + "\n"


def group_of(key: ConfigKey) -> str:
    return key.name.partition(".")[0]


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION, "## Server\n\nSet with `holdfast config set KEY=VALUE`.\n", table(SERVER_KEYS.keys)]
    parts += ["## Projects\n", table(PROJECT_KEYS.keys), "## Volumes\n", VOLUMES]
    parts += [table(key for key in VOLUME_KEYS.keys if key.name != UUID_KEY), "## Instances and profiles\n"]
    parts.append("Set with `holdfast config set INSTANCE KEY VALUE` and `holdfast profile set PROFILE KEY VALUE`.\n")
    for group, keys in groupby(sorted(INSTANCE_KEYS.keys, key=lambda key: key.name), key=group_of):
        parts += [f"### {group}.*\n", table(keys)]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page())
    print(f"Wrote {PAGE}")
