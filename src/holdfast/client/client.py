"""The client as one object: a noun of the API is an attribute, a verb is a method of it.

>>> from holdfast.client.client import Client
>>> client = Client.connect()
>>> for instance in client.instances.list():
...     print(instance["name"], instance["status"])
>>> client.snapshots.create("web", "before-upgrade").wait()
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, cast

from holdfast.client.connection import Connection, path_of
from holdfast.client.endpoints import UnixEndpoint, socket_path_of
from holdfast.client.shapes import ServerInfo

if TYPE_CHECKING:
    from holdfast.client.backups import Backups
    from holdfast.client.certificates import Certificates
    from holdfast.client.changes import Comparisons
    from holdfast.client.events import Events
    from holdfast.client.files import Files
    from holdfast.client.images import Images
    from holdfast.client.instances import Instances, Snapshots
    from holdfast.client.operations import Operations
    from holdfast.client.profiles import Profiles, Projects
    from holdfast.client.protections import Protections
    from holdfast.client.schedules import Schedules
    from holdfast.client.sessions import Command, Session
    from holdfast.client.storage import Storage
    from holdfast.client.ui import WebPage
    from holdfast.client.volumes import Volumes
    from holdfast.client.warnings import Warnings


class Client:
    """A server, seen from one project. Safe to share between threads; each noun is loaded when it is first used."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @classmethod
    def connect(cls, socket_path: str = "", project: str = "default") -> Client:
        """Return a client of the server at a unix socket (default: HOLDFAST_SOCKET, HOLDFAST_DIR, /var/lib/holdfast).

        Nothing is sent yet: a server that isn't there shows in the first request.
        """
        return cls(Connection(UnixEndpoint(socket_path or socket_path_of(os.environ)), project))

    def in_project(self, project: str) -> Client:
        """Return a client of the same server for another project."""
        return Client(self.connection.in_project(project))

    def server_info(self) -> ServerInfo:
        """Return what the server tells about itself; its configuration is told to administrators only."""
        return self.server_info_with_etag()[0]

    def server_info_with_etag(self) -> tuple[ServerInfo, str]:
        """Return what the server tells about itself, and the tag that `update_server` takes."""
        answer = self.connection.request("GET", "/1.0")
        found = cast(ServerInfo, answer.metadata)
        found["config"] = found.get("config") or {}
        return found, answer.etag

    def update_server(self, config: Mapping[str, object], etag: str = "") -> None:
        """Replace the server's own configuration."""
        self.connection.request("PUT", "/1.0", body={"config": dict(config)}, etag=etag)

    def run(self, instance: str, command: Command) -> Session:
        """Start a command inside an instance; call `run` of what is returned."""
        from holdfast.client.sessions import start_command

        return start_command(self.connection, instance, command)

    def console(self, instance: str, terminal_size: tuple[int, int]) -> Session:
        """Attach to an instance's console; call `run` of what is returned."""
        from holdfast.client.sessions import attach_console

        return attach_console(self.connection, instance, terminal_size)

    def is_ready(self, timeout_s: float) -> bool:
        """Tell whether the server answers."""
        from holdfast.client.errors import ApiError, BrokenConnectionError, UnreachableServerError

        try:
            self.connection.request("GET", path_of(), timeout_s=timeout_s)
        except (UnreachableServerError, BrokenConnectionError):
            return False
        except ApiError as error:
            if error.status != 503:
                raise
            return False
        return True

    @cached_property
    def instances(self) -> Instances:
        from holdfast.client.instances import Instances

        return Instances(self.connection)

    @cached_property
    def snapshots(self) -> Snapshots:
        from holdfast.client.instances import Snapshots

        return Snapshots(self.connection)

    @cached_property
    def schedules(self) -> Schedules:
        from holdfast.client.schedules import Schedules

        return Schedules(self.connection)

    @cached_property
    def backups(self) -> Backups:
        from holdfast.client.backups import Backups

        return Backups(self.connection)

    @cached_property
    def images(self) -> Images:
        from holdfast.client.images import Images

        return Images(self.connection)

    @cached_property
    def profiles(self) -> Profiles:
        from holdfast.client.profiles import Profiles

        return Profiles(self.connection)

    @cached_property
    def projects(self) -> Projects:
        from holdfast.client.profiles import Projects

        return Projects(self.connection)

    @cached_property
    def storage(self) -> Storage:
        from holdfast.client.storage import Storage

        return Storage(self.connection)

    @cached_property
    def warnings(self) -> Warnings:
        from holdfast.client.warnings import Warnings

        return Warnings(self.connection)

    @cached_property
    def certificates(self) -> Certificates:
        from holdfast.client.certificates import Certificates

        return Certificates(self.connection)

    @cached_property
    def operations(self) -> Operations:
        from holdfast.client.operations import Operations

        return Operations(self.connection)

    @cached_property
    def files(self) -> Files:
        from holdfast.client.files import Files

        return Files(self.connection)

    @cached_property
    def events(self) -> Events:
        from holdfast.client.events import Events

        return Events(self.connection)

    @cached_property
    def volumes(self) -> Volumes:
        from holdfast.client.volumes import Volumes

        return Volumes(self.connection)

    @cached_property
    def protections(self) -> Protections:
        from holdfast.client.protections import Protections

        return Protections(self.connection)

    @cached_property
    def web_page(self) -> WebPage:
        from holdfast.client.ui import WebPage

        return WebPage(self.connection)

    @cached_property
    def comparisons(self) -> Comparisons:
        from holdfast.client.changes import Comparisons

        return Comparisons(self.connection)
