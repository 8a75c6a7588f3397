"""Move a tree of new files into a directory that has others already: whole files, never through a link."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from holdfast.model.errors import ConflictError

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


def place(source: Path, target: Path, *, overwrite: bool = False) -> None:
    """Move everything in `source` to the same place in `target`, which is on the same file system.

    Directories are united. Raises `ConflictError`, and has moved nothing, when a file is there already and may not be
    overwritten, or is there as something else.
    """
    with _opened(source) as new, _opened(target) as old:
        conflicts = list(_conflicts(new, old, "", overwrite=overwrite))
        if conflicts:
            more = f" and {len(conflicts) - 3} more" if len(conflicts) > 3 else ""
            hint = "" if overwrite else "; nothing was changed: use --overwrite, or another directory"
            raise ConflictError(f"Already there: {', '.join(conflicts[:3])}{more}{hint}")
        _move(new, old)


def _conflicts(new: int, old: int, path: str, *, overwrite: bool) -> Iterator[str]:
    for name in sorted(os.listdir(new)):
        there = _mode(old, name)
        if there is None:
            continue
        is_directory = stat.S_ISDIR(_mode(new, name) or 0)
        if is_directory and stat.S_ISDIR(there):
            with _opened(name, new) as inner_new, _opened(name, old) as inner_old:
                yield from _conflicts(inner_new, inner_old, f"{path}{name}/", overwrite=overwrite)
        elif is_directory or stat.S_ISDIR(there) or not overwrite:
            yield f"{path}{name}"


def _move(new: int, old: int) -> None:
    for name in os.listdir(new):
        there = _mode(old, name)
        if there is not None and stat.S_ISDIR(there):
            with _opened(name, new) as inner_new, _opened(name, old) as inner_old:
                _move(inner_new, inner_old)
        else:
            os.rename(name, name, src_dir_fd=new, dst_dir_fd=old)


def _mode(directory: int, name: str) -> int | None:
    try:
        return os.stat(name, dir_fd=directory, follow_symlinks=False).st_mode
    except FileNotFoundError:
        return None


@contextmanager
def _opened(path: str | Path, directory: int | None = None) -> Iterator[int]:
    descriptor = os.open(path, _DIRECTORY, dir_fd=directory)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
