"""The server as `GET /1.0` shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from holdfast import __version__
from holdfast.model.metadata_version import VERSIONS
from holdfast.model.server_keys import TRUST_PASSWORD_KEY
from holdfast.server.extensions import EXTENSIONS, LXD_VERSION
from holdfast.service.server_info import ServerInfo
from holdfast.service.stateful import WHY_NOT
from holdfast.wire import server as wire

_METHODS: Final = ("tls",)


def stranger_shape() -> wire.ServerOfStrangers:
    """Return what those see who aren't trusted."""
    return wire.ServerOfStrangers(api_extensions=list(EXTENSIONS), auth_methods=list(_METHODS))


def server_shape(
    info: ServerInfo,
    config: Mapping[str, str] | None,
    drivers: Iterable[str],
    project: str,
    addresses: Sequence[str] = (),
) -> wire.Server:
    """`drivers` are those of the pools; without a config none is shown."""
    storage, storage_version = info.storage_in_use(drivers)
    return wire.Server(
        config=None if config is None else _shown(config),
        api_extensions=list(EXTENSIONS),
        auth_methods=list(_METHODS),
        environment=wire.Environment(
            addresses=list(addresses),
            architectures=list(info.architectures),
            certificate=info.certificate,
            certificate_fingerprint=info.certificate_fingerprint,
            driver=info.driver,
            driver_version=info.driver_version,
            firewall=info.firewall,
            kernel=info.kernel,
            kernel_architecture=info.kernel_architecture,
            kernel_features=dict(info.kernel_features),
            kernel_version=info.kernel_version,
            lxc_features=dict(info.lxc_features),
            os_name=info.os_name,
            os_version=info.os_version,
            project=project,
            server="lxd",
            server_clustered=False,
            server_event_mode="full-mesh",
            server_name=info.server_name,
            server_pid=info.server_pid,
            server_version=LXD_VERSION,
            holdfast_version=__version__,
            holdfast_stateful=wire.Stateful(available=False, reason=WHY_NOT),
            backup_metadata_version_range=[min(VERSIONS), max(VERSIONS)],
            storage=storage,
            storage_version=storage_version,
            storage_supported_drivers=[
                wire.StorageDriver(name=each.name, version=each.version, remote=each.is_remote)
                for each in info.storage_drivers
            ],
        ),
    )


def _shown(config: Mapping[str, str]) -> dict[str, str | bool]:
    """Return the configuration as LXD shows it: a hidden password as a truth."""
    return {key: True if key == TRUST_PASSWORD_KEY else value for key, value in config.items()}
