"""The server as `GET /1.0` shows it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from holdfast import __version__
from holdfast.model.metadata_version import VERSIONS
from holdfast.server.extensions import EXTENSIONS, LXD_VERSION
from holdfast.service.server_info import ServerInfo
from holdfast.wire import server as wire


def server_shape(info: ServerInfo, config: Mapping[str, str], drivers: Iterable[str], project: str) -> wire.Server:
    """`drivers` are those of the pools."""
    storage, storage_version = info.storage_in_use(drivers)
    return wire.Server(
        config=dict(config),
        api_extensions=list(EXTENSIONS),
        auth_methods=["tls"],
        environment=wire.Environment(
            addresses=list(info.addresses),
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
            backup_metadata_version_range=[min(VERSIONS), max(VERSIONS)],
            storage=storage,
            storage_version=storage_version,
            storage_supported_drivers=[
                wire.StorageDriver(name=each.name, version=each.version, remote=each.is_remote)
                for each in info.storage_drivers
            ],
        ),
    )
