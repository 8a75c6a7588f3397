"""Storage pools and the volumes in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from holdfast.client.connection import Connection, path_of
from holdfast.client.operations import change
from holdfast.client.shapes import Pool, PoolResources, Volume


class Storage:
    """The storage pools of the server."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self) -> list[Pool]:
        """Return every pool."""
        return [_whole(pool) for pool in self._connection.get(list[Pool], path_of("storage-pools"), {"recursion": "1"})]

    def get(self, name: str) -> Pool:
        """Return one pool."""
        return self.get_with_etag(name)[0]

    def get_with_etag(self, name: str) -> tuple[Pool, str]:
        """Return one pool and the tag that `update` takes."""
        answer = self._connection.request("GET", path_of("storage-pools", name))
        return _whole(cast(Pool, answer.metadata)), answer.etag

    def resources(self, name: str) -> PoolResources:
        """Return how much of a pool is used."""
        return self._connection.get(PoolResources, path_of("storage-pools", name, "resources"))

    def create(self, name: str, driver: str, config: Mapping[str, str], description: str = "") -> None:
        """Create a pool.

        >>> client.storage.create("fast", "btrfs", {"size": "20GiB"})
        """
        body = {"name": name, "driver": driver, "config": dict(config), "description": description}
        change(self._connection, "POST", path_of("storage-pools"), body)

    def update(self, name: str, document: Mapping[str, object], etag: str = "") -> None:
        """Replace the configuration and description of a pool."""
        change(self._connection, "PUT", path_of("storage-pools", name), dict(document), etag)

    def delete(self, name: str, *, is_lost: bool = False) -> None:
        """Delete an empty pool; `is_lost`: one whose disk is lost, with the records of what was in it."""
        query = {"force": "1"} if is_lost else {}
        self._connection.request("DELETE", path_of("storage-pools", name), query=query)

    def volumes(self, pool: str, *, all_projects: bool = False) -> Sequence[Volume]:
        """Return every volume of a pool: of instances, images and custom ones."""
        query = {"recursion": "1"} | ({"all-projects": "true"} if all_projects else {})
        return self._connection.get(list[Volume], path_of("storage-pools", pool, "volumes"), query)

    def volume(self, pool: str, kind: str, name: str) -> Volume:
        """Return one volume; `kind` is container, virtual-machine, image or custom."""
        return self._connection.get(Volume, path_of("storage-pools", pool, "volumes", kind, name))


def _whole(pool: Pool) -> Pool:
    """Return the pool with the configuration that it has for us: it is told to administrators only."""
    pool["config"] = pool["config"] or {}
    return pool
