"""The configuration keys of the server and of projects."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from holdfast.model import config_values as values
from holdfast.model.config_keys import ConfigKey, KeyTable
from holdfast.model.snapshot_keys import KEEP_KEY

BACKUPS_VOLUME_KEY: Final = "storage.backups_volume"
"""`<pool>/<volume>`; the volume is one of the default project."""

HTTPS_ADDRESS_KEY: Final = "core.https_address"
TRUST_PASSWORD_KEY: Final = "core.trust_password"
TOKEN_EXPIRY_KEY: Final = "core.remote_token_expiry"
REMOTE_CACHE_EXPIRY_KEY: Final = "images.remote_cache_expiry"

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
            name=REMOTE_CACHE_EXPIRY_KEY,
            type="int",
            check=values.unsigned,
            doc="Days until an image that was fetched for an instance and isn't used goes; 0: it stays",
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
            name=HTTPS_ADDRESS_KEY,
            type="address",
            check=values.https_address,
            doc="Address to serve HTTPS on, `HOST:PORT`; `:8443` is every address of the machine; none: not at all",
            is_live=True,
        ),
        ConfigKey(
            name=TRUST_PASSWORD_KEY,
            type="string",
            check=values.any_text,
            doc="Password by which new clients become trusted; kept as a hash, shown as `true`; none: by tokens only",
            is_live=True,
        ),
        ConfigKey(
            name=TOKEN_EXPIRY_KEY,
            type="expiry",
            check=values.expiry,
            doc="How long a token for a new client is valid, as `snapshots.expiry`; none: until it is used or revoked",
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
                doc=f"The project has its own {name.removeprefix('features.')}, not those of the default project; "
                "changes only while it is empty",
                default="false" if name == "features.networks" else "true",
                is_live=True,
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
