"""Export files: have the server make one, fetch it, give one back."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from http.client import HTTPResponse
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, TypedDict, Unpack, cast
from urllib.parse import urlencode

from holdfast.client.connection import Connection, path_of
from holdfast.client.errors import BrokenConnectionError, ClientError, OperationFailedError, ShortTransferError
from holdfast.client.imports import OCTETS, Contents, ImportWishes, lend, opened, post, send, send_in_pieces
from holdfast.client.lending import lent, named
from holdfast.client.operations import FAILED, RunningOperation, begin
from holdfast.client.owners import Owner, VolumeName, path_below
from holdfast.client.resumed_download import ResumedDownload
from holdfast.client.shapes import Backup, Operation
from holdfast.client.transfer import Body, OnBytes, Pace, move
from holdfast.client.whole_file import WholeFile

if TYPE_CHECKING:
    from holdfast.client.encryption import Identity


OPERATION_HEADER: Final = "X-Holdfast-Operation"
_TOLD: Final = "text/plain"
_LAST_WORDS_S: Final = 5
"""How long the work behind a stream that broke off may take to clear up and say why."""


class ExportOptions(TypedDict, total=False):
    """What an export holds, and how. An empty compression, and no version, are the server's choice."""

    compression: str
    is_alone: bool
    """Without snapshots."""
    optimized_storage: bool
    snapshot: str
    exclude: Sequence[str]
    version: int | None
    with_volumes: bool
    """With the custom volumes that are attached to the instance."""
    since: str
    """Only what differs from this snapshot."""


class Backups:
    """The export files of instances and custom volumes, on the server and on their way from and to it."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def list(self, owner: Owner) -> list[Backup]:
        """Return the export files that the server keeps."""
        return self._connection.get(list[Backup], path_below(owner, "backups"), {"recursion": "1"})

    def default_compression(self) -> str:
        """Return what the server compresses with where a request doesn't say: the project's choice, or the server's."""
        from holdfast.client.shapes import Project, ServerInfo

        project = self._connection.get(Project, path_of("projects", self._connection.project))
        server = self._connection.get(ServerInfo, path_of())
        key = "backups.compression_algorithm"
        return project["config"].get(key) or str(server["config"].get(key) or "") or "gzip"

    def create(
        self,
        owner: Owner,
        *,
        name: str = "",
        expires_at: str | None = None,
        **options: Unpack[ExportOptions],
    ) -> RunningOperation:
        """Have the server write an export file. An empty name is chosen by the server, an empty compression too."""
        body = _body(owner, options)
        body["name"] = name
        if expires_at is not None:
            body["expires_at"] = expires_at
        return begin(self._connection, "POST", path_below(owner, "backups"), body)

    @contextmanager
    def stream(
        self,
        owner: Owner,
        on_bytes: OnBytes | None = None,
        *,
        pace: Pace | None = None,
        **options: Unpack[ExportOptions],
    ) -> Iterator[Body]:
        """Have the server send an export that it keeps no file of; leaving early ends the work there.

        A server without the API extension `holdfast_export_stream` would make a file: ask it before.
        """
        with self._streamed(self._ask(owner, options, {"Accept": OCTETS}), OCTETS, owner) as answer:
            yield Body(answer, str(owner), on_bytes, pace=pace)

    def write_into(
        self,
        file: BinaryIO,
        owner: Owner,
        on_bytes: OnBytes | None = None,
        **options: Unpack[ExportOptions],
    ) -> bool:
        """Have a server on this machine write an export into an empty file that is open; False if it can't see that.

        The server must have the API extension `holdfast_export_lent`. What raises leaves a part in the file.
        """
        asked = lent(self._connection, named(file.fileno()), lambda header: self._ask(owner, options, header))
        if asked is None:
            return False
        told = 0
        with self._streamed(asked, _TOLD, owner) as answer:
            for line in Body(answer, str(owner)).lines():
                told = int(line)
                if on_bytes:
                    on_bytes(told, None)
        if (size := os.fstat(file.fileno()).st_size) != told:
            raise ShortTransferError(str(owner), size, told)
        return True

    def _ask(self, owner: Owner, options: ExportOptions, headers: Mapping[str, str]) -> HTTPResponse:
        return self._connection.open(
            "POST",
            path_below(owner, "backups"),
            content=json.dumps(_body(owner, options)).encode(),
            headers={"Content-Type": "application/json", **headers},
        )

    @contextmanager
    def _streamed(self, answer: HTTPResponse, kind: str, owner: Owner) -> Iterator[HTTPResponse]:
        """Read an answer that is made meanwhile; where it breaks off, raise what the work behind it failed with."""
        with answer:
            if answer.headers.get_content_type() != kind:
                raise BrokenConnectionError(f"the export of {owner}", "the server answers with something else")
            try:
                yield answer
            except BrokenConnectionError as error:
                raise self._failure_behind(answer) or error from error

    def _failure_behind(self, answer: HTTPResponse) -> OperationFailedError | None:
        """Return what the work behind a stream that broke off failed with; None if it didn't, or nobody knows."""
        operation = (answer.headers.get(OPERATION_HEADER) or "").partition("?")[0].rpartition("/")[2]
        if not operation:
            return None
        try:
            query, path = {"timeout": str(_LAST_WORDS_S)}, path_of("operations", operation, "wait")
            asked = self._connection.request("GET", path, query=query, timeout_s=2 * _LAST_WORDS_S)
        except ClientError:
            return None
        ended = cast(Operation, asked.metadata)
        return OperationFailedError(FAILED, ended["err"]) if ended["status_code"] == FAILED else None

    def download(
        self, owner: Owner, name: str, on_bytes: OnBytes | None = None, pace: Pace | None = None
    ) -> ResumedDownload:
        """Return an export file of the server, to be read; a connection that breaks meanwhile is made again."""
        return ResumedDownload(
            self._connection, path_below(owner, "backups", name, "export"), str(owner), on_bytes, pace
        )

    def save(self, owner: Owner, name: str, target: Path, on_bytes: OnBytes | None = None) -> int:
        """Fetch an export file to `target`, which appears whole or not at all; return its size in bytes."""
        with WholeFile(target) as file, closing(self.download(owner, name, on_bytes)) as download:
            move(download, file)
            return download.done

    def rename(self, owner: Owner, name: str, new_name: str) -> RunningOperation:
        """Rename an export file on the server."""
        return begin(self._connection, "POST", path_below(owner, "backups", name), {"name": new_name})

    def delete(self, owner: Owner, name: str) -> RunningOperation:
        """Remove an export file from the server."""
        return begin(self._connection, "DELETE", path_below(owner, "backups", name))

    def import_file(
        self,
        source: Path | BinaryIO,
        *,
        name: str = "",
        pool: str = "",
        devices: Mapping[str, Mapping[str, str]] | None = None,
        config: Mapping[str, str] | None = None,
        profiles: Sequence[str] | None = None,
        is_replacing: bool = False,
        without_volumes: bool = False,
        onto: str = "",
        in_pieces: bool = False,
        may_lend: bool = False,
        on_bytes: OnBytes | None = None,
        identities: Sequence[Identity] = (),
    ) -> RunningOperation:
        """Send an export file; the server makes an instance of it, otherwise than in the file where that is said.

        A file that is encrypted is decrypted on its way by one of the identities. `in_pieces` gets over a broken
        connection; the server must have the API extension `holdfast_uploads`. `may_lend`: a server on this machine
        reads the file where it is, if it can; it must have `holdfast_import_lent`.
        """
        wishes = ImportWishes(
            name=name,
            pool=pool,
            devices=devices or {},
            config=config or {},
            profiles=profiles,
            is_replacing=is_replacing,
            without_volumes=without_volumes,
            onto=onto,
        )
        with opened(source, on_bytes, identities) as contents:
            path = path_of("instances")
            return self._deliver(path, contents, wishes, in_pieces=in_pieces, may_lend=may_lend)

    def import_volume(
        self,
        source: Path | BinaryIO,
        pool: str,
        *,
        name: str = "",
        in_pieces: bool = False,
        may_lend: bool = False,
        on_bytes: OnBytes | None = None,
        identities: Sequence[Identity] = (),
    ) -> RunningOperation:
        """Send an export file of a custom volume; the server makes a volume of it in the pool. As `import_file`."""
        with opened(source, on_bytes, identities) as contents:
            path, wishes = path_of("storage-pools", pool, "volumes", "custom"), ImportWishes(name=name)
            return self._deliver(path, contents, wishes, in_pieces=in_pieces, may_lend=may_lend)

    def _deliver(
        self, path: str, contents: Contents, wishes: ImportWishes, *, in_pieces: bool, may_lend: bool
    ) -> RunningOperation:
        if may_lend and (running := lend(self._connection, path, contents, wishes)) is not None:
            return running
        return (send_in_pieces if in_pieces else send)(self._connection, path, contents, wishes)

    def test_file(
        self,
        source: Path,
        *,
        pool: str = "",
        command: str = "",
        timeout_s: float = 60,
        may_lend: bool = False,
        on_bytes: OnBytes | None = None,
        identities: Sequence[Identity] = (),
    ) -> RunningOperation:
        """Send an export file to be tried: imported under another name, started without network, and removed.

        `results()["backup_test"]` of the operation tells what was seen. It fails if the instance doesn't come up, or if
        the shell command doesn't succeed in it in time.
        """
        query = urlencode({"pool": pool, "command": command, "timeout": f"{timeout_s:g}"})
        with opened(source, on_bytes, identities) as contents:
            target = f"{path_of('backup-tests')}?{query}"
            if may_lend and (running := lend(self._connection, target, contents)) is not None:
                return running
            return post(self._connection, target, contents.chunks, contents.headers())

    def verify(self, owner: Owner, name: str) -> RunningOperation:
        """Have the server read one of its export files to the end; `results()["verification"]` tells what is in it."""
        return begin(self._connection, "POST", path_below(owner, "backups", name, "verify"), {})

    def test_stored(
        self, owner: Owner, name: str, *, pool: str = "", command: str = "", timeout_s: float = 60
    ) -> RunningOperation:
        """Have one of the server's export files tried, as `test_file`; one of a volume is only imported."""
        whose = {"volume": f"{owner.pool}/{owner.name}"} if isinstance(owner, VolumeName) else {"instance": owner}
        wanted = {"pool": pool, "command": command, "timeout": f"{timeout_s:g}", **whose, "backup": name}
        return begin(self._connection, "POST", f"{path_of('backup-tests')}?{urlencode(wanted)}", {})


def _body(owner: Owner, options: ExportOptions) -> dict[str, object]:
    """Return the request, with what must be in it; what is left out elsewhere is the server's to choose."""
    is_alone = options.get("is_alone", False)
    only = ("volume_only",) if isinstance(owner, VolumeName) else ("instance_only", "container_only")
    body: dict[str, object] = {
        **dict.fromkeys(only, is_alone),
        "optimized_storage": options.get("optimized_storage", False),
        "compression_algorithm": options.get("compression", ""),
    }
    if snapshot := options.get("snapshot"):
        body["snapshot"] = snapshot
    if exclude := options.get("exclude"):
        body["exclude"] = list(exclude)
    if (version := options.get("version")) is not None:
        body["version"] = version
    if options.get("with_volumes"):
        body["with_volumes"] = True
    if since := options.get("since"):
        body["since"] = since
    return body
