"""Instances and their snapshots: read, create, change, start and stop, copy, delete."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, cast
from urllib.parse import unquote

from holdfast.client.connection import Connection, path_of
from holdfast.client.errors import ApiError
from holdfast.client.operations import RunningOperation, begin
from holdfast.client.shapes import Instance, InstanceFull, InstanceState, Snapshot, SnapshotPlan, Undo

Action = Literal["start", "stop", "restart", "freeze", "unfreeze"]
NEVER = "0001-01-01T00:00:00Z"
"""The time that stands for "never expires"."""


class Instances:
    """The instances of one project. Methods that return a RunningOperation have begun: call its `wait`.

    >>> client = Client.connect()
    >>> client.instances.create({"name": "web", "source": {"type": "image", "alias": "debian/12"}}).wait()
    >>> client.instances.change_state("web", "start").wait()
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, *, all_projects: bool = False) -> list[Instance]:
        """Return every instance, without what it uses."""
        return self._connection.get(list[Instance], path_of("instances"), _list_query("1", all_projects))

    def list_full(self, *, all_projects: bool = False) -> Sequence[InstanceFull]:
        """Return every instance with its state, snapshots and backups, in one request."""
        return self._connection.get(list[InstanceFull], path_of("instances"), _list_query("2", all_projects))

    def list_as_full(self, *, all_projects: bool = False) -> Sequence[InstanceFull]:
        """Return every instance in the shape of `list_full`, without asking them: no state, snapshots, backups."""
        found = self._connection.get(list[InstanceFull], path_of("instances"), _list_query("1", all_projects))
        for instance in found:
            instance.update({"state": None, "snapshots": None, "backups": None})
        return found

    def names(self) -> Sequence[str]:
        """Return the names of all instances."""
        urls = self._connection.get(list[str], path_of("instances"))
        return [url.partition("?")[0].rpartition("/")[2] for url in urls]

    def get(self, name: str) -> Instance:
        """Return one instance."""
        return self._connection.get(Instance, path_of("instances", name))

    def get_with_etag(self, name: str) -> tuple[Instance, str]:
        """Return one instance and the tag that `update` takes, so that a change made meanwhile isn't overwritten."""
        answer = self._connection.request("GET", path_of("instances", name))
        return cast(Instance, answer.metadata), answer.etag

    def get_full(self, name: str) -> InstanceFull:
        """Return one instance with its state, snapshots and backups."""
        return self._connection.get(InstanceFull, path_of("instances", name), {"recursion": "1"})

    def state(self, name: str) -> InstanceState:
        """Return what an instance uses right now."""
        return self._connection.get(InstanceState, path_of("instances", name, "state"))

    def create(self, request: Mapping[str, object]) -> RunningOperation:
        """Create an instance from a request as the API describes it: name, source, config, devices, profiles."""
        return begin(self._connection, "POST", path_of("instances"), dict(request))

    def update(self, name: str, document: Mapping[str, object], etag: str = "") -> RunningOperation:
        """Replace everything that can be set on an instance; an outdated `etag` is refused with ApiError 412."""
        return begin(self._connection, "PUT", path_of("instances", name), dict(document), etag)

    def rename(self, name: str, new_name: str) -> RunningOperation:
        """Rename a stopped instance."""
        return begin(self._connection, "POST", path_of("instances", name), {"name": new_name})

    def move(self, name: str, request: Mapping[str, object]) -> RunningOperation:
        """Move an instance to another pool or project of this server: keys `name`, `pool`, `project`."""
        return begin(self._connection, "POST", path_of("instances", name), {"migration": True, **request})

    def delete(self, name: str) -> RunningOperation:
        """Delete a stopped instance with its snapshots and backups."""
        return begin(self._connection, "DELETE", path_of("instances", name))

    def change_state(
        self, name: str, action: Action, *, timeout_s: int = -1, force: bool = False, stateful: bool = False
    ) -> RunningOperation:
        """Start, stop, restart, freeze or unfreeze. A stop waits `timeout_s` (-1: for ever); `force` kills."""
        body = {"action": action, "timeout": timeout_s, "force": force, "stateful": stateful}
        return begin(self._connection, "PUT", path_of("instances", name, "state"), body)

    def restore(self, name: str, snapshot: str, *, stateful: bool = False, disk_volumes: str = "") -> RunningOperation:
        """Put an instance back to a snapshot; with `disk_volumes` "all-exclusive" also the volumes taken with it."""
        body: dict[str, object] = {"restore": snapshot, "stateful": stateful}
        if disk_volumes:
            body["restore_disk_volumes_mode"] = disk_volumes
        return begin(self._connection, "PUT", path_of("instances", name), body)

    def undo(self, name: str) -> RunningOperation:
        """Bring back what an instance was before its last restore."""
        return begin(self._connection, "POST", path_of("instances", name, "undo"))

    def undo_facts(self, name: str) -> Undo | None:
        """Return what `undo` would bring back; None if nothing is kept, or the server keeps none."""
        try:
            return self._connection.get(Undo, path_of("instances", name, "undo"))
        except ApiError as error:
            if error.status != 404:
                raise
            return None

    def forget_undo(self, name: str) -> None:
        """Remove what an instance was before its last restore."""
        self._connection.request("DELETE", path_of("instances", name, "undo"))

    def log_names(self, name: str) -> Sequence[str]:
        """Return the names of an instance's log files."""
        urls = self._connection.get(list[str], path_of("instances", name, "logs"))
        return [url.rpartition("/")[2] for url in urls]

    def log(self, name: str, file_name: str) -> bytes:
        """Return one log file."""
        with self._connection.open("GET", path_of("instances", name, "logs", file_name)) as answer:
            return answer.read()

    def console_log(self, name: str) -> bytes:
        """Return what an instance has written on its console."""
        with self._connection.open("GET", path_of("instances", name, "console")) as answer:
            return answer.read()


class Snapshots:
    """The snapshots of instances."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, instance: str) -> list[Snapshot]:
        """Return the snapshots of an instance, oldest first."""
        return self._connection.get(list[Snapshot], path_of("instances", instance, "snapshots"), {"recursion": "1"})

    def names(self, instance: str) -> Sequence[str]:
        """Return the names of an instance's snapshots, oldest first."""
        urls = self._connection.get(list[str], path_of("instances", instance, "snapshots"))
        return [unquote(url.partition("?")[0].rpartition("/")[2]) for url in urls]

    def get(self, instance: str, name: str) -> Snapshot:
        """Return one snapshot."""
        return self._connection.get(Snapshot, path_of("instances", instance, "snapshots", name))

    def create(
        self,
        instance: str,
        name: str = "",
        *,
        expires_at: str | None = None,
        stateful: bool = False,
        description: str = "",
        expiry: str = "",
        disk_volumes: str = "",
    ) -> RunningOperation:
        """Take a snapshot. An empty name follows `snapshots.pattern`; None as expiry follows `snapshots.expiry`.

        `expiry` is an expression ("2w") from now on, instead of a time. `disk_volumes` "all-exclusive" takes with it
        the attached volumes that no other instance uses.
        """
        body: dict[str, object] = {"name": name, "stateful": stateful}
        ours = (("description", description), ("expiry", expiry), ("disk_volumes_mode", disk_volumes))
        body |= {key: text for key, text in ours if text}
        if expires_at is not None:
            body["expires_at"] = expires_at
        return begin(self._connection, "POST", path_of("instances", instance, "snapshots"), body)

    def update(self, instance: str, name: str, document: Mapping[str, object]) -> RunningOperation:
        """Change what is given of `expires_at` (RFC 3339; NEVER keeps it), `description` and `held`."""
        return begin(self._connection, "PATCH", path_of("instances", instance, "snapshots", name), dict(document))

    def plan(self, instance: str) -> Sequence[SnapshotPlan]:
        """Return for every snapshot of an instance why it is kept, or when it goes."""
        return self._connection.get(list[SnapshotPlan], path_of("instances", instance, "snapshot-plan"))

    def rename(self, instance: str, name: str, new_name: str) -> RunningOperation:
        """Rename a snapshot."""
        return begin(self._connection, "POST", path_of("instances", instance, "snapshots", name), {"name": new_name})

    def delete(self, instance: str, name: str) -> RunningOperation:
        """Delete a snapshot."""
        return begin(self._connection, "DELETE", path_of("instances", instance, "snapshots", name))


def _list_query(recursion: str, all_projects: bool) -> dict[str, str]:
    return {"recursion": recursion} | ({"all-projects": "true"} if all_projects else {})
