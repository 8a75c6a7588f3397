"""The templates of an instance as files beside its root file system: list, read, write, remove.

The tree may come from anyone's archive: nothing here follows a link out of it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import secrets
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from holdfast.host.beneath import beneath, directory
from holdfast.model.errors import BadRequestError, NotFoundError
from holdfast.model.image_template import LARGEST_BYTES
from holdfast.service.image_templates import METADATA

_FOLDER: Final = b"templates"
_LONGEST_NAME: Final = 200
_ODD: Final = frozenset({errno.ELOOP, errno.ENOTDIR, errno.EXDEV})
"""What the kernel says of links and mounts in the place of a file or folder."""


def names(volume: Path) -> list[str]:
    """Return the templates' names, sorted."""
    try:
        with directory(volume) as root, beneath(root, _FOLDER) as folder, os.scandir(folder) as entries:
            return sorted(each.name for each in entries if each.is_file(follow_symlinks=False))
    except FileNotFoundError:
        return []


def read(volume: Path, name: str) -> bytes:
    """Return a template's content."""
    with _told(name), directory(volume) as root, beneath(root, _FOLDER) as folder:
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(_checked(name), flags, dir_fd=folder), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise NotFoundError(f'Template "{name}" not found')
            return file.read(LARGEST_BYTES)


def write(volume: Path, name: str, content: bytes) -> None:
    """Make or replace a template, whole or not at all."""
    if len(content) > LARGEST_BYTES:
        raise BadRequestError(f"A template can have {LARGEST_BYTES} bytes, this one has {len(content)}")
    _checked(name)
    with _told(name), directory(volume) as root:
        with contextlib.suppress(FileExistsError):
            os.mkdir(_FOLDER, 0o755, dir_fd=root)
        with beneath(root, _FOLDER) as folder:
            _replace(folder, name, content)


def remove(volume: Path, name: str) -> None:
    with _told(name), directory(volume) as root, beneath(root, _FOLDER) as folder:
        os.unlink(_checked(name), dir_fd=folder)


def write_document(volume: Path, document: bytes) -> None:
    """Replace metadata.yaml."""
    with directory(volume) as root:
        _replace(root, METADATA, document)


def _replace(folder: int, name: str, content: bytes) -> None:
    staged = f".{secrets.token_hex(8)}"
    descriptor = os.open(staged, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644, dir_fd=folder)
    try:
        with open(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(staged, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        os.unlink(staged, dir_fd=folder)
        raise
    os.fsync(folder)


def _checked(name: str) -> str:
    if not name or "/" in name or "\0" in name or name.startswith(".") or len(name.encode()) > _LONGEST_NAME:
        raise BadRequestError("Invalid template filename")
    return name


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError):
        raise NotFoundError(f'Template "{name}" not found') from None
    except OSError as error:
        if error.errno not in _ODD:
            raise
        raise BadRequestError(f'Template "{name}" can\'t be used: {error.strerror}') from error
