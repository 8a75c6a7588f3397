"""`--reuse`: a new snapshot in the place of the one of its name, which goes only when the new one is there."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Final

import click

from holdfast.cli.session import Session
from holdfast.client.errors import ApiError, ClientError, OperationFailedError
from holdfast.client.operations import RunningOperation

_GONE: Final = 404


@dataclass(frozen=True, kw_only=True)
class Replacement:
    """What can be done with the snapshots of one instance or volume; each function begins work on the server."""

    owner: str
    name: str
    find: Callable[[str], Mapping[str, object]]
    """Gives the record of a snapshot, which may tell that it is held."""
    releasing: str
    """The command that releases a held one."""
    take: Callable[[str], RunningOperation]
    rename: Callable[[str, str], RunningOperation]
    delete: Callable[[str], RunningOperation]

    def is_needed(self) -> bool:
        """Tell whether there is one to replace; a held one is refused before anything is done."""
        try:
            found = self.find(self.name)
        except ApiError as error:
            if error.status != _GONE:
                raise
            return False
        if found.get("held"):
            raise click.ClickException(
                f"Snapshot {self.owner}/{self.name} is held: release first with `{self.releasing}`"
            )
        return True

    def carry_out(self, session: Session) -> None:
        """Take the new one under a passing name, delete the old one, give the new one its name.

        Until the deletion the old one stays as it is, whatever fails; from then on the new one is there. One that went
        by itself meanwhile needs no deletion.
        """
        passing = f"{self.name}.new-{secrets.token_hex(3)}"
        taking = self.take(passing)
        try:
            session.wait(taking, f"Taking a snapshot of {self.owner}")
        except BaseException:
            self._forget(taking, passing)
            raise
        with self._telling(f"the new snapshot is there, called {self.owner}/{passing}"):
            try:
                session.wait(self.delete(self.name), f"Deleting {self.owner}/{self.name}")
            except ApiError as error:
                if error.status != _GONE:  # refused before anything was done
                    self._forget(taking, passing)
                    raise click.ClickException(str(error)) from error
            session.wait(self.rename(passing, self.name), f"Renaming {self.owner}/{passing}")

    def carry_out_aside(self, session: Session) -> None:
        """Do it the other way round, where the new one must be taken under its own name: what is taken with it has it.

        The old one is renamed first, and gets its name back if the new one fails.
        """
        aside = f"{self.name}.old-{secrets.token_hex(3)}"
        begun = [self.rename(self.name, aside)]
        try:
            session.wait(begun[0], f"Renaming {self.owner}/{self.name}")
            begun.append(self.take(self.name))
            session.wait(begun[1], f"Taking a snapshot of {self.owner}")
        except BaseException as error:
            try:
                self._take_back(begun, aside)
            except ClientError:
                there = f"the old snapshot is there, called {self.owner}/{aside}"
                raise click.ClickException(f"{str(error) or 'interrupted'} ({there})") from error
            raise
        with self._telling(f"the new snapshot is there, and the old one, too, called {self.owner}/{aside}"):
            session.wait(self.delete(aside), f"Deleting {self.owner}/{aside}")

    def _take_back(self, begun: Sequence[RunningOperation], aside: str) -> None:
        """Give the old one its name back, once what was begun has ended: an interrupt doesn't stop it."""
        try:
            begun[0].wait()
        except OperationFailedError:
            return
        for operation in begun[1:]:
            with suppress(OperationFailedError):
                operation.wait()
        self.rename(aside, self.name).wait()

    def _forget(self, taking: RunningOperation, passing: str) -> None:
        """Remove the new one, if there is or will be one."""
        with self._telling(f"a snapshot {self.owner}/{passing} may be left: delete it"):
            with suppress(OperationFailedError):
                taking.wait()
            try:
                self.delete(passing).wait()
            except ApiError as error:
                if error.status != _GONE:
                    raise

    @contextmanager
    def _telling(self, what: str) -> Iterator[None]:
        """Say after an error of the server, or after an interrupt, what there is."""
        try:
            yield
        except (ClientError, KeyboardInterrupt) as error:
            raise click.ClickException(f"{str(error) or 'interrupted'} ({what})") from error
