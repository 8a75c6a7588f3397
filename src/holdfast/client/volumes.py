"""Custom volumes and their snapshots: read, make, change, copy, move, restore, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import cast
from urllib.parse import unquote

from holdfast.client.connection import Connection, path_of
from holdfast.client.operations import RunningOperation, begin, change
from holdfast.client.shapes import Volume, VolumeSnapshot, VolumeUsage


class Volumes:
    """The custom volumes of one project. Methods that return a RunningOperation have begun: call its `wait`.

    >>> client = Client.connect()
    >>> client.volumes.create("default", "data", {"size": "10GiB"})
    >>> client.volumes.take_snapshot("default", "data", "before-upgrade").wait()
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, pool: str, name: str) -> Volume:
        """Return one volume."""
        return self._connection.get(Volume, _path(pool, name))

    def get_with_etag(self, pool: str, name: str) -> tuple[Volume, str]:
        """Return one volume and the tag that `update` takes, so that a change made meanwhile isn't overwritten."""
        answer = self._connection.request("GET", _path(pool, name))
        return cast(Volume, answer.metadata), answer.etag

    def usage(self, pool: str, name: str) -> VolumeUsage:
        """Return how much a volume uses; ApiError where its pool can't tell."""
        return self._connection.get(dict[str, VolumeUsage], f"{_path(pool, name)}/state")["usage"]

    def create(
        self,
        pool: str,
        name: str,
        config: Mapping[str, str],
        *,
        content_type: str = "filesystem",
        description: str = "",
    ) -> None:
        """Make an empty volume; `content_type` is filesystem or block."""
        body = {"name": name, "type": "custom", "content_type": content_type, "description": description}
        change(self._connection, "POST", _path(pool), {**body, "config": dict(config)})

    def copy(self, pool: str, request: Mapping[str, object]) -> RunningOperation:
        """Copy a volume or a snapshot of one into a pool, from a request as the API describes it."""
        return begin(self._connection, "POST", _path(pool), {"type": "custom", **request})

    def update(self, pool: str, name: str, document: Mapping[str, object], etag: str = "") -> None:
        """Replace the configuration and description of a volume."""
        change(self._connection, "PUT", _path(pool, name), dict(document), etag)

    def rename(self, pool: str, name: str, new_name: str) -> None:
        """Rename a volume; instances and profiles that show it follow."""
        change(self._connection, "POST", _path(pool, name), {"name": new_name})

    def move(self, pool: str, name: str, request: Mapping[str, str]) -> RunningOperation:
        """Move a volume to another pool or project of this server: keys `name`, `pool`, `project`."""
        return begin(self._connection, "POST", _path(pool, name), dict(request))

    def restore(self, pool: str, name: str, snapshot: str) -> None:
        """Put a volume back to a snapshot."""
        change(self._connection, "PUT", _path(pool, name), {"restore": snapshot})

    def delete(self, pool: str, name: str) -> None:
        """Delete a volume that nothing uses, with its snapshots."""
        change(self._connection, "DELETE", _path(pool, name))

    # --- snapshots --------------------------------------------------------------------------------------------------

    def snapshots(self, pool: str, name: str) -> list[VolumeSnapshot]:
        """Return the snapshots of a volume, oldest first; each is named `volume/snapshot`."""
        return self._connection.get(list[VolumeSnapshot], _path(pool, name, "snapshots"), {"recursion": "1"})

    def snapshot_names(self, pool: str, name: str) -> list[str]:
        """Return the names of a volume's snapshots."""
        urls = self._connection.get(list[str], _path(pool, name, "snapshots"))
        return [unquote(url.partition("?")[0].rpartition("/")[2]) for url in urls]

    def snapshot(self, pool: str, name: str, snapshot: str) -> VolumeSnapshot:
        """Return one snapshot."""
        return self._connection.get(VolumeSnapshot, _path(pool, name, "snapshots", snapshot))

    def snapshot_with_etag(self, pool: str, name: str, snapshot: str) -> tuple[VolumeSnapshot, str]:
        """Return one snapshot and the tag that `update_snapshot` takes."""
        answer = self._connection.request("GET", _path(pool, name, "snapshots", snapshot))
        return cast(VolumeSnapshot, answer.metadata), answer.etag

    def take_snapshot(
        self, pool: str, name: str, snapshot: str = "", *, expires_at: str | None = None, description: str = ""
    ) -> RunningOperation:
        """Take a snapshot. An empty name follows `snapshots.pattern`; None as expiry follows `snapshots.expiry`."""
        body: dict[str, object] = {"name": snapshot, "description": description}
        if expires_at is not None:
            body["expires_at"] = expires_at
        return begin(self._connection, "POST", _path(pool, name, "snapshots"), body)

    def update_snapshot(
        self, pool: str, name: str, snapshot: str, document: Mapping[str, object], etag: str = ""
    ) -> None:
        """Replace description and expiry of a snapshot; `held` changes only if it is given."""
        change(self._connection, "PUT", _path(pool, name, "snapshots", snapshot), dict(document), etag)

    def mark_snapshot(self, pool: str, name: str, snapshot: str, *, is_held: bool) -> None:
        """Hold a snapshot, or release it."""
        change(self._connection, "PATCH", _path(pool, name, "snapshots", snapshot), {"held": is_held})

    def rename_snapshot(self, pool: str, name: str, snapshot: str, new_name: str) -> RunningOperation:
        """Rename a snapshot."""
        return begin(self._connection, "POST", _path(pool, name, "snapshots", snapshot), {"name": new_name})

    def delete_snapshot(self, pool: str, name: str, snapshot: str) -> RunningOperation:
        """Delete a snapshot."""
        return begin(self._connection, "DELETE", _path(pool, name, "snapshots", snapshot))


def _path(pool: str, *rest: str) -> str:
    return path_of("storage-pools", pool, "volumes", "custom", *rest)
