"""Export files on this machine: checked, listed, taken apart. The one door of the command line to `archive`.

No server has a part in it: a file must be readable where none runs any more.
"""

from __future__ import annotations

import hashlib
import io
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, cast

import click

from holdfast.archive.export_index import ExportIndex
from holdfast.archive.extraction import Extracted, Wanted, check_snapshot, extract, inside_name, one_part
from holdfast.archive.members import Member, printable
from holdfast.archive.reader import Visit
from holdfast.archive.sidecar import check_sidecar, format_sidecar, read_sidecar, sidecar_path
from holdfast.archive.tarstream import TarStream
from holdfast.archive.verification import ExportFacts, verify_file
from holdfast.archive.verification import SnapshotFacts as SnapshotFacts
from holdfast.client.encryption import MAGIC_BYTES, decrypting, is_encrypted, load_identities
from holdfast.client.errors import EncryptedFileError
from holdfast.client.transfer import Counted, Headed, OnBytes
from holdfast.client.whole_file import WholeFile
from holdfast.model.errors import HoldfastError

STDIN: Final = "-"
BUFFER_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Verified:
    """A file that is whole: what is in it, and whether a `.manifest` beside it agreed."""

    facts: ExportFacts
    has_sidecar: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a tree, as it is listed."""

    name: str
    kind: str
    mode: int
    uid: int
    gid: int
    size_bytes: int
    modified_s: int
    target: str


@dataclass(frozen=True, slots=True)
class Source:
    """An export file, or standard input for "-"; `identity` opens an encrypted one."""

    name: str
    identity: Path | None = None
    on_bytes: OnBytes | None = None

    @contextmanager
    def opened(self) -> Iterator[BinaryIO]:
        """Give its plain content."""
        if self.name == STDIN:
            with self._plain(sys.stdin.buffer, "standard input", None) as plain:
                yield plain
            return
        path = self.path()
        with path.open("rb", buffering=0) as file, self._plain(file, self.name, path.stat().st_size) as plain:
            yield plain

    def path(self) -> Path:
        """Return where it is; raise where there is no file."""
        path = Path(self.name)
        if not path.is_file():
            raise click.ClickException(f"{self.name} is not a file")
        return path

    @contextmanager
    def _plain(self, file: BinaryIO, name: str, size_bytes: int | None) -> Iterator[BinaryIO]:
        headed = Headed(Counted(file, self.on_bytes, size_bytes), MAGIC_BYTES)
        if not is_encrypted(headed.head):
            yield cast(BinaryIO, headed)
            return
        if self.identity is None:
            raise EncryptedFileError(f"{name} is encrypted with age: give the key with --identity FILE")
        with decrypting(headed, load_identities(self.identity), name) as plain:
            yield cast(BinaryIO, io.BufferedReader(plain, BUFFER_BYTES))


def verify(source: Source) -> Verified:
    """Check a file; a `.manifest` beside it is made use of."""
    with _told(source.name):
        sidecar = None if source.name == STDIN else read_sidecar(source.path())
        with source.opened() as file:
            facts = verify_file(file)
        if sidecar is not None:
            check_sidecar(sidecar, *_sum(Path(source.name)))
        return Verified(facts, sidecar is not None)


def write_sidecar(path: Path, on_bytes: OnBytes | None = None) -> Path:
    """Check a file (only its maker can look into an encrypted one) and write what is true of it beside it."""
    with path.open("rb") as file:
        is_secret = is_encrypted(file.read(MAGIC_BYTES))
    lines = {"holds": "an export encrypted with age"} if is_secret else _checked(path, on_bytes)
    beside = sidecar_path(path)
    with WholeFile(beside) as target:
        target.write(format_sidecar(path.name, *_sum(path), lines).encode())
    return beside


def _checked(path: Path, on_bytes: OnBytes | None) -> dict[str, str]:
    source = Source(str(path), None, on_bytes)
    with _told(source.name), source.opened() as file:
        return contents(verify_file(file))


def _sum(path: Path) -> tuple[str, int]:
    with path.open("rb", buffering=0) as file:
        return hashlib.file_digest(file, "sha256").hexdigest(), file.seek(0, io.SEEK_END)


def contents(facts: ExportFacts) -> dict[str, str]:
    """Return in lines what a file holds."""
    lines = {
        "holds": f"{facts.type} {facts.name}",
        "builds on": base_text(facts),
        "volumes": ", ".join(f"{each.pool}/{each.name}" for each in facts.volumes),
        "project": facts.project,
        "pool": f"{facts.pool} ({facts.driver})",
        "made": f"{facts.created_at} by {facts.tool} {facts.version}" if facts.created_at else "",
        "snapshots": ", ".join(each.name for each in facts.snapshots) or "none",
    }
    return {key: value for key, value in lines.items() if value}


def base_text(facts: ExportFacts) -> str:
    """Return which snapshot an incremental file builds on."""
    base = facts.base
    if base is None:
        return ""
    taken = f" of {base.created_at:%Y-%m-%d %H:%M:%S} UTC" if base.created_at else ""
    return f"snapshot {base.snapshot}{taken} (btrfs {base.identity})"


def entries(source: Source, path: str, snapshot: str | None, volume: str | None, *, is_recursive: bool) -> list[Entry]:
    """List what is directly in a folder of the instance or volume (or all below it), or a file itself.

    `volume` names one that is attached to the instance.
    """
    found: list[Entry] = []
    wanted = path.strip("/").encode()

    def begin(index: ExportIndex) -> Visit:
        check_snapshot(index, snapshot)

        def visit(where: str | None, member: Member, _: TarStream) -> None:
            inside = inside_name(index, member.name)
            if where == snapshot and inside is not None and _is_listed(inside, wanted, is_recursive=is_recursive):
                found.append(_entry(inside, member))

        return visit

    with _told(source.name), source.opened() as file:
        verify_file(file, visitor=lambda index: one_part(index, volume, begin))
    if wanted and not found:
        raise click.ClickException(f"There is no {path} in {source.name}")
    return found


def take_out(
    source: Source,
    target: Path,
    paths: Sequence[str],
    *,
    snapshot: str | None,
    volume: str | None,
    same_owner: bool,
    special_files: bool,
    overwrite: bool,
) -> Extracted:
    """Extract files; see `archive.extraction.Wanted`."""
    wanted = Wanted(
        paths=paths,
        snapshot=snapshot,
        volume=volume,
        same_owner=same_owner,
        special_files=special_files,
        overwrite=overwrite,
    )
    with _told(source.name):
        return extract(source.opened, target, wanted)


def _is_listed(name: bytes, wanted: bytes, *, is_recursive: bool) -> bool:
    if name == wanted:
        return True
    inside = name[len(wanted) + 1 :] if wanted else name
    is_below = not wanted or name.startswith(wanted + b"/")
    return is_below and (is_recursive or b"/" not in inside)


def _entry(name: bytes, member: Member) -> Entry:
    size = member.records.get(b"GNU.sparse.realsize", member.records.get(b"GNU.sparse.size", b""))
    return Entry(
        name=printable(name),
        kind=member.kind.name.lower().replace("_", " "),
        mode=member.mode,
        uid=member.uid,
        gid=member.gid,
        size_bytes=int(size or member.size_bytes),
        modified_s=member.mtime_s,
        target=printable(member.target) if member.target else "",
    )


@contextmanager
def _told(name: str) -> Iterator[None]:
    """Turn the errors of reading into one line."""
    try:
        yield
    except HoldfastError as error:
        raise click.ClickException(f"{name}: {error}") from error
