"""What one call of the command line shares between its parts: the client, the project, how much to say."""

from __future__ import annotations

import os
import sys
from functools import cached_property
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from holdfast.cli.progress import ByteProgress
    from holdfast.client.client import Client
    from holdfast.client.operations import RunningOperation
    from holdfast.client.remotes import Remotes
    from holdfast.client.shapes import Operation
    from holdfast.client.transfer import OnBytes


class Session:
    """One call of the command line. The client is made when a command first asks for it."""

    def __init__(self) -> None:
        self.given_project = os.environ.get("HOLDFAST_PROJECT") or ""
        self._remote = ""
        self.is_quiet = False
        self._progress: ByteProgress | None = None

    @cached_property
    def remotes(self) -> Remotes:
        """The servers that the user knows."""
        from holdfast.client.remotes import Remotes

        return Remotes.load()

    @property
    def remote(self) -> str:
        """The server that the command is about: the one that was named, else the default one."""
        return self._remote or self.remotes.default

    def use_remote(self, name: str) -> None:
        """Let the command be about a server that one of its words names."""
        self.remotes.get(name)
        if self._remote not in ("", name):
            raise click.UsageError(f'One command works on one server: "{self._remote}" and "{name}" are two')
        if "client" in self.__dict__ and name != self.remote:
            raise RuntimeError(f"the server was asked before {name} was read")  # a fault of the command
        self._remote = name

    @cached_property
    def client(self) -> Client:
        """The server, seen from the chosen project."""
        from holdfast.client.client import Client

        return Client(self.remotes.connection(self.remote, self.given_project))

    def is_here(self, remote: str) -> bool:
        """Tell whether a remote, "" for the default one, is the server the command is about; refuse unknown ones."""
        wanted = remote or self.remotes.default
        self.remotes.get(wanted)
        return wanted == self.remote

    def other(self, remote: str, project: str = "") -> Client:
        """Return another server than the one that the command is about, in the project given or the remote's own."""
        from holdfast.client.client import Client

        return Client(self.remotes.connection(remote, project))

    @property
    def project(self) -> str:
        """The project that the command is about."""
        return self.client.connection.project

    @cached_property
    def server_extensions(self) -> frozenset[str]:
        """What the server announces of the API."""
        return frozenset(self.client.server_info()["api_extensions"])

    def knows(self, extension: str) -> bool:
        """Tell whether the server announces an extension of its API."""
        return extension in self.server_extensions

    def say(self, text: str) -> None:
        """Tell what is being done, unless the user wants quiet."""
        if self._progress is not None:
            self._progress.clear()
        if not self.is_quiet:
            click.echo(text)

    def wait(self, operation: RunningOperation, title: str) -> Operation:
        """Wait for background work; show its progress on a terminal. An interrupt cancels it where it can be."""
        from holdfast.cli.progress import ProgressLine

        with ProgressLine(title, is_quiet=self.is_quiet) as line:
            try:
                return operation.wait(line.show if line.is_shown else None)
            except KeyboardInterrupt:
                if operation.document["may_cancel"]:
                    operation.cancel()
                raise

    def transfer(self, title: str) -> OnBytes | None:
        """Return what shows the progress of an upload or download, or None where nobody watches."""
        from holdfast.cli.progress import ByteProgress

        if self.is_quiet or not sys.stderr.isatty():
            return None
        self._progress = ByteProgress(title)
        click.get_current_context().call_on_close(self._progress.clear)
        return self._progress


pass_session = click.make_pass_decorator(Session, ensure=True)
