"""Export files: have the server make one, fetch it, give one back."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from holdfast.client.connection import Connection, decode_answer, path_of
from holdfast.client.operations import RunningOperation, begin
from holdfast.client.shapes import Backup, Operation
from holdfast.client.transfer import OnBytes, WholeFile, copy_body, read_chunks


class Backups:
    """The export files of instances, on the server and on their way from and to it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, instance: str) -> list[Backup]:
        """Return the export files that the server keeps of an instance."""
        return self._connection.get(list[Backup], path_of("instances", instance, "backups"), {"recursion": "1"})

    def create(
        self,
        instance: str,
        *,
        name: str = "",
        expires_at: str | None = None,
        compression: str = "",
        instance_only: bool = False,
        optimized_storage: bool = False,
    ) -> RunningOperation:
        """Have the server write an export file. An empty name is chosen by the server, an empty compression too."""
        body: dict[str, object] = {
            "name": name,
            "instance_only": instance_only,
            "container_only": instance_only,
            "optimized_storage": optimized_storage,
            "compression_algorithm": compression,
        }
        if expires_at is not None:
            body["expires_at"] = expires_at
        return begin(self._connection, "POST", path_of("instances", instance, "backups"), body)

    def download(self, instance: str, name: str, target: Path, on_bytes: OnBytes | None = None) -> int:
        """Fetch an export file to `target`, which appears whole or not at all; return its size in bytes."""
        path = path_of("instances", instance, "backups", name, "export")
        with WholeFile(target) as file, self._connection.open("GET", path) as answer:
            return copy_body(answer, file, target.name, on_bytes)

    def delete(self, instance: str, name: str) -> RunningOperation:
        """Remove an export file from the server."""
        return begin(self._connection, "DELETE", path_of("instances", instance, "backups", name))

    def import_file(
        self, source: Path, *, name: str = "", pool: str = "", on_bytes: OnBytes | None = None
    ) -> RunningOperation:
        """Send an export file; the server makes an instance of it, under another name or in another pool if given."""
        headers = {"Content-Type": "application/octet-stream"}
        if name:
            headers["X-LXD-name"] = name
        if pool:
            headers["X-LXD-pool"] = pool
        with source.open("rb") as file:
            size = source.stat().st_size
            headers["Content-Length"] = str(size)
            content = read_chunks(file, on_bytes, size)
            answer = self._connection.open("POST", path_of("instances"), content=content, headers=headers)
        decoded = decode_answer(answer, "POST /1.0/instances")
        return RunningOperation(self._connection, cast(Operation, decoded.metadata))
