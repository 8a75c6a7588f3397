"""Files that come in pieces, each appended at an offset: who loses the connection asks how far it is, and goes on.

Below `backups/.uploads`, so that they outlive a restart of the server:

    <id>         what has come
    <id>.json    what is known of it

What came before a restart of the host isn't trusted: its last bytes may never have reached the disk.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from holdfast.model.clock import Clock
from holdfast.model.errors import BadRequestError, ConflictError, NoSpaceError, UploadNotFoundError
from holdfast.model.upload import Upload
from holdfast.service.arrivals import Arrival
from holdfast.service.caller import Caller
from holdfast.service.paths import Paths
from holdfast.service.reserve import RESERVE_BYTES, write_with_reserve

KEPT_FOR: Final = timedelta(hours=24)
"""After the last byte: a night without a network is no reason to begin again."""
MOST_AT_ONCE: Final = 32
_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_FACTS: Final = ".json"

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Kept:
    """An upload and who writes to it: the last one who asked to; those before are refused from then on."""

    upload: Upload
    path: Path
    writer: UploadWriter | None = None
    lock: threading.Lock = field(default_factory=threading.Lock)


class UploadWriter:
    """Appends to one upload, until another connection does."""

    def __init__(self, kept: _Kept, clock: Clock) -> None:
        self._kept, self._clock = kept, clock
        self._descriptor = os.open(kept.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW)

    def write(self, data: bytes) -> None:
        """Append; `ConflictError` when another goes on with the upload, `BadRequestError` for more than announced."""
        with self._kept.lock:
            upload = self._kept.upload
            if self._kept.writer is not self:
                raise ConflictError(f"Upload {upload.id} was taken or removed, or another connection goes on with it")
            if upload.size_bytes is not None and upload.offset_bytes + len(data) > upload.size_bytes:
                raise BadRequestError(f"More than the announced {upload.size_bytes} bytes came for upload {upload.id}")
            try:
                write_with_reserve(self._descriptor, data)
            finally:
                offset_bytes = os.fstat(self._descriptor).st_size
                self._kept.upload = upload.grown(offset_bytes, self._clock.now() + KEPT_FOR)

    def close(self) -> Upload:
        """End; return how far it is."""
        with self._kept.lock:
            os.close(self._descriptor)
            if self._kept.writer is self:
                self._kept.writer = None
            return self._kept.upload


class UploadService:
    """Keeps unfinished uploads; thread-safe."""

    def __init__(self, *, paths: Paths, clock: Clock) -> None:
        self._directory, self._incoming, self._clock = paths.uploads, paths.incoming, clock
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    # --- looking ------------------------------------------------------------------------------------------------------

    def list(self, project: str) -> list[Upload]:
        """Return the uploads of a project, oldest first."""
        with self._lock:
            found = [each.upload for each in self._kept.values() if each.upload.project == project]
        return sorted(found, key=lambda each: (each.created_at, each.id))

    def get(self, project: str, upload_id: str) -> Upload:
        return self._find(project, upload_id).upload

    # --- changing -----------------------------------------------------------------------------------------------------

    def create(self, caller: Caller, size_bytes: int | None) -> Upload:
        """Begin one; with its size, room for it must be there and more will not be taken."""
        if size_bytes is not None and size_bytes < 0:
            raise BadRequestError(f"An upload can't have {size_bytes} bytes")
        self._check_room(size_bytes or 0)
        now = self._clock.now()
        upload = Upload(
            id=secrets.token_hex(16),
            project=caller.project,
            size_bytes=size_bytes,
            offset_bytes=0,
            created_at=now,
            expires_at=now + KEPT_FOR,
        )
        path = self._directory / upload.id
        with self._lock:
            if len(self._kept) >= MOST_AT_ONCE:
                raise ConflictError(
                    f"There are {len(self._kept)} unfinished uploads already: finish or remove one of /1.0/uploads"
                )
            self._kept[upload.id] = _Kept(upload, path)
        try:
            _write_private(path.with_name(upload.id + _FACTS), _facts(upload))
            _write_private(path, b"")
        except BaseException:
            self._forget(upload.id)
            raise
        return upload

    def append(self, project: str, upload_id: str, offset_bytes: int) -> UploadWriter:
        """Return what appends, which the caller closes; `offset_bytes` is where he thinks that it goes on."""
        kept = self._find(project, upload_id)
        with kept.lock:
            if offset_bytes != kept.upload.offset_bytes:
                raise ConflictError(f"Upload {upload_id} goes on at {kept.upload.offset_bytes}, not at {offset_bytes}")
            try:
                writer = UploadWriter(kept, self._clock)
            except FileNotFoundError as error:
                raise UploadNotFoundError(upload_id) from error
            kept.writer = writer
            return writer

    def take(self, caller: Caller, upload_id: str) -> Arrival:
        """Return the file of a whole upload, which is for a service to work on and to remove."""
        kept = self._find(caller.project, upload_id)
        with kept.lock:
            upload = kept.upload
            if upload.size_bytes not in (None, upload.offset_bytes):
                raise ConflictError(
                    f"Upload {upload_id} isn't whole: {upload.offset_bytes} of {upload.size_bytes} bytes are here"
                )
            target = self._incoming / f"upload-{upload_id}"
            try:
                kept.path.rename(target)
            except FileNotFoundError as error:
                raise UploadNotFoundError(upload_id) from error
            kept.writer = None
        self._forget(upload_id)
        return Arrival(target, is_whole=True)

    def delete(self, caller: Caller, upload_id: str) -> None:
        self._drop(self._find(caller.project, upload_id))

    def prune(self) -> None:
        """Remove those that were abandoned."""
        now = self._clock.now()
        with self._lock:
            over = [each for each in self._kept.values() if each.upload.expires_at <= now]
        for kept in over:
            _log.info("Upload %s was abandoned: it goes", kept.upload.id)
            self._drop(kept)

    def load(self) -> None:
        """Find what a former run of the server left, and remove what can't be gone on with. Called at the start."""
        for path in sorted(self._directory.glob(f"*{_FACTS}")):
            data = path.with_suffix("")
            try:
                upload = _upload(json.loads(path.read_bytes()), data)
            except (OSError, ValueError, KeyError, TypeError) as error:
                _log.info("Upload %s can't be gone on with: %s", data.name, error)
                continue
            self._kept[upload.id] = _Kept(upload, data)
        for path in self._directory.iterdir():
            if path.name.removesuffix(_FACTS) not in self._kept:
                path.unlink(missing_ok=True)
        self.prune()

    # --- small questions ----------------------------------------------------------------------------------------------

    def _find(self, project: str, upload_id: str) -> _Kept:
        with self._lock:
            kept = self._kept.get(upload_id)
        if kept is None or kept.upload.project != project:
            raise UploadNotFoundError(upload_id)
        return kept

    def _drop(self, kept: _Kept) -> None:
        with kept.lock:
            kept.writer = None
        self._forget(kept.upload.id)

    def _forget(self, upload_id: str) -> None:
        """Remove record and file; what has gone already is no fault."""
        with self._lock:
            self._kept.pop(upload_id, None)
        (self._directory / upload_id).unlink(missing_ok=True)
        (self._directory / (upload_id + _FACTS)).unlink(missing_ok=True)

    def _check_room(self, size_bytes: int) -> None:
        facts = os.statvfs(self._directory)
        if facts.f_bavail * facts.f_frsize < size_bytes + RESERVE_BYTES:
            raise NoSpaceError(f"No space left for an upload of {size_bytes} bytes on the server")


def _write_private(path: Path, data: bytes) -> None:
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb") as file:
        file.write(data)


def _facts(upload: Upload) -> bytes:
    facts = {
        "project": upload.project,
        "size_bytes": upload.size_bytes,
        "created_at": upload.created_at.isoformat(),
        "boot_id": _BOOT_ID.read_text().strip(),
    }
    return json.dumps(facts).encode()


def _upload(facts: dict[str, str | int | None], data: Path) -> Upload:
    if facts["boot_id"] != _BOOT_ID.read_text().strip():
        raise ValueError("the host was started again since")
    size = facts["size_bytes"]
    found = data.stat()
    created_at = datetime.fromisoformat(str(facts["created_at"]))
    touched_at = datetime.fromtimestamp(found.st_mtime, created_at.tzinfo)
    return Upload(
        id=data.name,
        project=str(facts["project"]),
        size_bytes=None if size is None else int(size),
        offset_bytes=found.st_size,
        created_at=created_at,
        expires_at=touched_at + KEPT_FOR,
    )
