"""`--reuse`: a new snapshot in the place of the one of its name, which goes only when the new one is there."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import click

from holdfast.cli.session import Session
from holdfast.client.errors import ApiError, ClientError
from holdfast.client.operations import RunningOperation


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """What can be done with the snapshots of one instance or volume; each function begins work on the server."""

    owner: str
    name: str
    take: Callable[[str], RunningOperation]
    rename: Callable[[str, str], RunningOperation]
    delete: Callable[[str], RunningOperation]

    def carry_out(self, session: Session) -> None:
        """Take the new one under a passing name, delete the old one, give the new one its name.

        Until the deletion the old one stays as it is, whatever fails; from then on the new one is there.
        """
        passing = f"{self.name}.new-{secrets.token_hex(3)}"
        where = f"(the new snapshot is there, called {self.owner}/{passing})"
        try:
            self._wait_for_taking(session, passing)
        except BaseException:
            self._forget(passing)
            raise
        try:
            deletion = self.delete(self.name)
        except ApiError:  # refused before anything was done
            self._forget(passing)
            raise
        try:
            session.wait(deletion, f"Deleting {self.owner}/{self.name}")
            session.wait(self.rename(passing, self.name), f"Renaming {self.owner}/{passing}")
        except ClientError as error:
            raise click.ClickException(f"{error} {where}") from error

    def carry_out_aside(self, session: Session) -> None:
        """Do it the other way round, where the new one must be taken under its own name: what is taken with it has it.

        The old one is renamed first, and gets its name back if the new one fails.
        """
        aside = f"{self.name}.old-{secrets.token_hex(3)}"
        session.wait(self.rename(self.name, aside), f"Renaming {self.owner}/{self.name}")
        try:
            self._wait_for_taking(session, self.name)
        except BaseException as error:
            try:
                self.rename(aside, self.name).wait()
            except ClientError:
                where = f"(the old snapshot is there, called {self.owner}/{aside})"
                raise click.ClickException(f"{error or type(error).__name__} {where}") from error
            raise
        session.wait(self.delete(aside), f"Deleting {self.owner}/{aside}")

    def _wait_for_taking(self, session: Session, name: str) -> None:
        session.wait(self.take(name), f"Taking a snapshot of {self.owner}")

    def _forget(self, passing: str) -> None:
        with suppress(ClientError):  # the first error is the one to tell
            self.delete(passing).wait()
