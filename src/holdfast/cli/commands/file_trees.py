"""Files and trees between this machine and an instance or volume: what goes where.

What an instance names is not trusted: a pulled name never leaves the target directory; links are made, not followed.
"""

from __future__ import annotations

import os
import stat
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import click

from holdfast.cli.places import Place
from holdfast.cli.session import Session
from holdfast.cli.tables import escaped
from holdfast.client.errors import ApiError, MissingPathError, SpecialFileError
from holdfast.client.files import FileAttributes, OpenedFile
from holdfast.client.owners import Owner
from holdfast.client.transfer import WholeFile

DIRECTORY = FileAttributes("directory", -1, -1, 0o755)


@dataclass(frozen=True)
class Wanted:
    """Owner and mode that the user asked for; -1 where nothing was said."""

    uid: int
    gid: int
    mode: int


class _NoContentError(click.ClickException):
    """What can't be pushed."""


class Push:
    """Copies files into one instance or volume."""

    def __init__(self, session: Session, owner: Owner, wanted: Wanted) -> None:
        self._session = session
        self._files = session.client.files
        self._owner = owner
        self._wanted = wanted

    def run(self, sources: Sequence[str], target: str, *, makes_directories: bool, is_recursive: bool) -> None:
        """Copy; a directory as target keeps the names of the sources."""
        into = target.endswith("/") or len(sources) > 1 or is_recursive or self._is_directory(target)
        if makes_directories:
            self._make_parents(target if into else os.path.dirname(target))
        try:
            self._push_all(sources, target, into=into, is_recursive=is_recursive)
        except MissingPathError as error:
            raise error if makes_directories else click.ClickException(f"{error}: -p makes it") from error

    def _push_all(self, sources: Sequence[str], target: str, *, into: bool, is_recursive: bool) -> None:
        for source in sources:
            path = os.path.join(target, os.path.basename(source.rstrip("/"))) if into else target
            if source == "-":
                if into:
                    raise click.UsageError("Standard input needs a target with a file name")
                attributes = self._attributes("file", 0, 0, 0o644)
                self._files.write(self._owner, path, sys.stdin.buffer, attributes=attributes)
            else:
                self._push(Path(source), path, is_recursive=is_recursive)

    def _push(self, source: Path, path: str, *, is_recursive: bool) -> None:
        found = source.lstat() if is_recursive else source.stat()
        mode = stat.S_IMODE(found.st_mode)
        if stat.S_ISDIR(found.st_mode):
            if not is_recursive:
                raise click.ClickException(f"{source} is a directory; use -r")
            directory = self._attributes("directory", found.st_uid, found.st_gid, mode)
            self._files.make_directory(self._owner, path, directory)
            for name in sorted(os.listdir(source)):
                self._push_below(source / name, os.path.join(path, name))
        elif stat.S_ISLNK(found.st_mode):
            link = self._attributes("symlink", found.st_uid, found.st_gid, -1)
            self._files.make_link(self._owner, path, os.readlink(source), replace(link, mode=-1))
        elif stat.S_ISREG(found.st_mode):
            with source.open("rb") as file:
                self._files.write(
                    self._owner,
                    path,
                    file,
                    attributes=self._attributes("file", found.st_uid, found.st_gid, mode),
                    size_bytes=os.fstat(file.fileno()).st_size,
                    on_bytes=self._session.transfer(f"Pushing {escaped(source.name)}"),
                )
        else:
            raise _NoContentError(f"{source} is neither file, directory nor symbolic link")

    def _push_below(self, source: Path, path: str) -> None:
        """Go on where there is something that is no content, such as a device or a socket."""
        try:
            self._push(source, path, is_recursive=True)
        except _NoContentError as error:
            click.echo(f"Left out: {escaped(error.format_message())}", err=True)

    def _attributes(self, kind: str, uid: int, gid: int, mode: int) -> FileAttributes:
        wanted = self._wanted
        return FileAttributes(
            kind,
            uid if wanted.uid < 0 else wanted.uid,
            gid if wanted.gid < 0 else wanted.gid,
            mode if wanted.mode < 0 else wanted.mode,
        )

    def _is_directory(self, path: str) -> bool:
        try:
            with self._files.open(self._owner, path) as opened:
                return opened.attributes.kind == "directory"
        except ApiError as error:
            if error.status != 404:
                raise
            return False

    def _make_parents(self, path: str) -> None:
        made = ""
        for part in path.strip("/").split("/"):
            made += f"/{part}"
            if part and not self._is_directory(made):
                self._files.make_directory(self._owner, made, DIRECTORY)


class Pull:
    """Copies files out of instances, volumes and snapshots."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._files = session.client.files

    def run(self, places: Sequence[Place], target: str, *, makes_directories: bool, is_recursive: bool) -> None:
        """Copy; a directory as target keeps the names that the files have inside."""
        if target == "-":
            for place in places:
                with self._open(place) as opened:
                    self._require_file(opened, place.path)
                    opened.copy_to(sys.stdout.buffer)
            sys.stdout.buffer.flush()
            return
        directory = Path(target)
        into = target.endswith("/") or len(places) > 1 or is_recursive or directory.is_dir()
        if into and (makes_directories or is_recursive):
            directory.mkdir(parents=True, exist_ok=True)
        elif makes_directories:
            directory.parent.mkdir(parents=True, exist_ok=True)
        if into and not directory.is_dir():
            raise click.ClickException(f"{target} is not a directory")
        for place in places:
            name = os.path.basename(place.path.rstrip("/")) or place.snapshot or str(place.owner)
            self._pull(place, directory / name if into else directory, is_recursive=is_recursive)

    def _open(self, place: Place) -> OpenedFile:
        return self._files.open(place.owner, place.path, snapshot=place.snapshot)

    def _pull(self, place: Place, target: Path, *, is_recursive: bool) -> None:
        with self._open(place) as opened:
            kind = opened.attributes.kind
            if kind == "directory":
                if not is_recursive:
                    raise click.ClickException(f"{place.path} is a directory; use -r")
                names, mode = [_checked(name) for name in opened.entries()], opened.attributes.mode
            elif kind == "symlink":
                if target.is_symlink():
                    target.unlink()
                target.symlink_to(opened.link_target())
                return
            else:
                with WholeFile(target) as file:
                    opened.copy_to(file, self._session.transfer(f"Pulling {escaped(place.path)}"))
                target.chmod(opened.attributes.mode & 0o777)
                return
        self._fill(place, target, names, mode)

    def _fill(self, place: Place, target: Path, names: Sequence[str], mode: int) -> None:
        """Pull what is in a directory; one that is made here is private until it is full, then as it is inside."""
        if target.is_symlink():
            raise click.ClickException(f"{target} is a symbolic link; nothing is written through it")
        is_new = not target.is_dir()
        if is_new:
            target.mkdir(mode=0o700)
        try:
            for name in names:
                self._pull_below(place.below(name), target / name)
        finally:
            if is_new:
                target.chmod(mode)

    def _pull_below(self, place: Place, target: Path) -> None:
        """Go on where there is something that is no content, such as a device or a socket."""
        try:
            self._pull(place, target, is_recursive=True)
        except SpecialFileError as error:
            click.echo(f"Left out: {escaped(str(error))}", err=True)

    @staticmethod
    def _require_file(opened: OpenedFile, path: str) -> None:
        if opened.attributes.kind != "file":
            raise click.ClickException(f"{path} is a {opened.attributes.kind}, not a file")


def _checked(name: str) -> str:
    """Refuse a name that would leave its directory."""
    if name in ("", ".", "..") or "/" in name or "\0" in name:
        raise click.ClickException(f"The server names a file {name!r}: refused")
    return name
