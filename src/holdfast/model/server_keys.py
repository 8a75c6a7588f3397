"""The configuration keys of the server and of projects."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from holdfast.model import config_values as values
from holdfast.model.config_keys import ConfigKey, KeyTable
from holdfast.model.snapshot_keys import KEEP_KEY

BACKUPS_VOLUME_KEY: Final = "storage.backups_volume"
"""`<pool>/<volume>`; the volume is one of the default project."""

SERVER_KEYS: Final = KeyTable(
    (
        ConfigKey(
            name="backups.compression_algorithm",
            type="compression",
            check=values.compression,
            doc="How exports are compressed when the request doesn't say",
            default="gzip",
            is_live=True,
        ),
        ConfigKey(
            name="images.compression_algorithm",
            type="compression",
            check=values.compression,
            doc="How published images are compressed when the request doesn't say",
            default="gzip",
            is_live=True,
        ),
        ConfigKey(
            name="images.default_architecture",
            type="string",
            check=values.any_text,
            doc="Architecture of images when there is a choice",
            is_live=True,
        ),
        ConfigKey(
            name="images.remote_cache_expiry",
            type="int",
            check=values.unsigned,
            doc="Days until an image that was fetched for an instance and isn't used goes",
            default="10",
            is_live=True,
        ),
        ConfigKey(
            name=BACKUPS_VOLUME_KEY,
            type="string",
            check=values.any_text,
            doc="Custom volume that keeps export files, `<pool>/<volume>`; they move when it changes",
            is_live=True,
        ),
        ConfigKey(
            name="core.https_address",
            type="string",
            check=values.refused(
                "core.https_address can't be set: this version of Holdfast listens on its unix socket only"
            ),
            doc="Address to listen on; not served yet",
        ),
        ConfigKey(
            name="core.trust_password",
            type="string",
            check=values.refused(
                "core.trust_password can't be set: this version of Holdfast listens on its unix socket only"
            ),
            doc="Password for new clients; not served yet",
        ),
        ConfigKey(
            name="core.remote_token_expiry",
            type="expiry",
            check=values.expiry,
            doc="How long a token for a new client is valid",
            is_live=True,
        ),
        ConfigKey(
            name="core.shutdown_timeout",
            type="int",
            check=values.unsigned,
            doc="Minutes that a stop waits for running operations",
            default="5",
            is_live=True,
        ),
        ConfigKey(
            name="user.*",
            type="string",
            check=values.any_text,
            doc="Yours",
            is_live=True,
        ),
    )
)

FEATURES: Final = (
    "features.images",
    "features.networks",
    "features.profiles",
    "features.storage.volumes",
)

PROJECT_KEYS: Final = KeyTable(
    (
        *(
            ConfigKey(
                name=name,
                type="bool",
                check=values.boolean,
                doc=f"The project has its own {name.removeprefix('features.')}, not those of the default project",
                default="false" if name == "features.networks" else "true",
            )
            for name in FEATURES
        ),
        ConfigKey(
            name="backups.compression_algorithm",
            type="compression",
            check=values.compression,
            doc="As the server's key, for this project",
            is_live=True,
        ),
        ConfigKey(
            name="images.compression_algorithm",
            type="compression",
            check=values.compression,
            doc="As the server's key, for this project",
            is_live=True,
        ),
        replace(KEEP_KEY, doc="As the key of instances, for those that don't say"),
        ConfigKey(name="user.*", type="string", check=values.any_text, doc="Yours", is_live=True),
    )
)
"""Limits and restrictions of projects are unknown keys until they are enforced: a limit that is stored and not kept
would be a false promise."""
