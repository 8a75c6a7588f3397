"""ZFS by its two commands, `zfs` and `zpool`: one function for each thing that is asked of them, and no plan of more.

A dataset is named as ZFS names it (`tank/containers/c1`), a snapshot with its dataset (`tank/containers/c1@daily`).
All changes but those of the content of files are on stable storage when a function returns. Every function raises
`CommandError` where the command fails.
"""

from __future__ import annotations

import errno
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.host.processes import PIPE, Process, find_program, pipe, run
from holdfast.model.errors import CommandError

_MODULE: Final = Path("/sys/module/zfs/version")
_ABSENT: Final = ("dataset does not exist", "no such pool", "could not find any snapshots")
_UNSET: Final = "-"
_VALID: Final = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:")


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A snapshot with the datasets that were cloned from it; those of one dataset come oldest first."""

    name: str
    clones: tuple[str, ...]

    @property
    def dataset(self) -> str:
        return self.name.partition("@")[0]

    @property
    def bare_name(self) -> str:
        return self.name.partition("@")[2]


def module_version() -> str | None:
    """Return the version of the kernel's module, which is loaded if it can be; None where there is none."""
    if not _MODULE.exists() and find_program("modprobe") is not None:
        run(["modprobe", "zfs"], allowed_codes=range(256))
    try:
        return _MODULE.read_text().strip()
    except FileNotFoundError:
        return None


def is_valid_part(name: str) -> bool:
    """Tell whether ZFS takes this between two slashes of a dataset's name."""
    return bool(name) and name not in (".", "..") and _VALID.issuperset(name)


# --- pools ------------------------------------------------------------------------------------------------------------


def create_pool(name: str, device: str | Path, properties: Mapping[str, str]) -> None:
    """Make a pool on one device or file; `properties` are those of its first dataset, which is mounted at once.

    The pool isn't noted for the start of the host: whoever made it imports it.
    """
    run(["zpool", "create", "-o", "cachefile=none", *_options("-O", properties), name, device])


def import_pool(name: str, device: Path | None = None) -> None:
    """Make a pool known that was exported, without mounting anything; looked for on the device if one is given."""
    place = ["-d", str(device)] if device is not None else []
    run(["zpool", "import", "-N", "-o", "cachefile=none", *place, name])


def export_pool(name: str) -> None:
    """Unmount everything of a pool and let go of its devices."""
    run(["zpool", "export", name])


def destroy_pool(name: str) -> None:
    """Unmount and destroy a pool with everything in it."""
    run(["zpool", "destroy", name])


def devices_of(name: str) -> list[str]:
    """Return the paths of the devices and files that a pool is on."""
    lines = _lines(run(["zpool", "list", "-vHP", "-o", "name", name]).stdout)
    return [line.split("\t")[1] for line in lines if line.startswith("\t/")]


def forget_pool(device: str) -> None:
    """Remove what a destroyed pool left on a device, by which it could be brought back."""
    run(["zpool", "labelclear", "-f", device])


def expand_pool(name: str, device: Path) -> None:
    """Let a pool use all of a device that has grown."""
    run(["zpool", "online", "-e", name, device])


def sync_pool(name: str) -> None:
    """Put everything that was written to a pool on stable storage, and into its accounts."""
    run(["zpool", "sync", name])


# --- looking ----------------------------------------------------------------------------------------------------------


def properties(name: str, *wanted: str) -> list[str | None]:
    """Return properties of a dataset or snapshot in their order, exact numbers; None for what it hasn't."""
    lines = _lines(run(["zfs", "get", "-Hp", "-o", "value", ",".join(wanted), name]).stdout)
    return [None if line == _UNSET else line for line in lines]


def found(name: str, *wanted: str) -> list[str | None] | None:
    """Return properties as `properties`, or None if there is no such dataset, snapshot or pool."""
    try:
        return properties(name, *wanted)
    except CommandError as error:
        if _is_absence(error):
            return None
        raise


def exists(name: str) -> bool:
    """Tell whether there is a dataset or snapshot of this name."""
    return found(name, "type") is not None


def datasets(top: str, *wanted: str, depth: int | None = None) -> list[list[str]]:
    """Return properties of the datasets at and below one, parents before children; "-" for what one hasn't."""
    below = ["-r"] if depth is None else ["-d", str(depth)]
    argv = ["zfs", "list", "-Hp", "-t", "filesystem", *below, "-o", ",".join(wanted), "-s", "name", top]
    return [line.split("\t") for line in _lines(run(argv).stdout)]


def names_below(top: str) -> list[str]:
    """Return the datasets directly below one; nothing where there is no such dataset."""
    try:
        return [name for (name,) in datasets(top, "name", depth=1) if name != top]
    except CommandError as error:
        if _is_absence(error):
            return []
        raise


def snapshots(top: str, *, is_recursive: bool = False) -> list[Snapshot]:
    """Return the snapshots of a dataset, or of all below it too, oldest first."""
    below = ["-r"] if is_recursive else ["-d", "1"]
    argv = ["zfs", "list", "-Hp", "-t", "snapshot", *below, "-o", "name,clones", "-s", "createtxg", top]
    lines = (line.split("\t") for line in _lines(run(argv).stdout))
    return [Snapshot(name, tuple(clones.split(",")) if clones not in ("", _UNSET) else ()) for name, clones in lines]


# --- changing ---------------------------------------------------------------------------------------------------------


def create(dataset: str, given: Mapping[str, str] | None = None) -> None:
    """Make an empty dataset; it is mounted."""
    run(["zfs", "create", *_options("-o", given or {}), dataset])


def snapshot(name: str) -> None:
    """Keep what a dataset is at this moment."""
    run(["zfs", "snapshot", name])


def clone(origin: str, dataset: str, given: Mapping[str, str] | None = None) -> None:
    """Make a dataset that begins as a snapshot is; it is mounted."""
    run(["zfs", "clone", *_options("-o", given or {}), origin, dataset])


def promote(dataset: str) -> None:
    """Let a clone take over its origin, and all older snapshots of the same dataset, which becomes a clone of it."""
    run(["zfs", "promote", dataset])


def rename(old: str, new: str) -> None:
    """Rename a dataset with all below it, or a snapshot; what is mounted moves along.

    Raises `FileExistsError` if the new name is taken, `FileNotFoundError` if there is nothing of the old one.
    """
    try:
        run(["zfs", "rename", old, new])
    except CommandError as error:
        if "already exists" in error.stderr:
            raise FileExistsError(errno.EEXIST, "Dataset exists", old, None, new) from error
        if f"cannot open '{old}': dataset does not exist" in error.stderr:
            raise FileNotFoundError(errno.ENOENT, "No such dataset", old) from error
        raise


def destroy(name: str) -> None:
    """Destroy a snapshot, or a dataset with its snapshots and all below it; refused where there are clones of it."""
    run(["zfs", "destroy", *([] if "@" in name else ["-r"]), name])


def set_properties(dataset: str, given: Mapping[str, str]) -> None:
    """Set properties of a dataset, all or none."""
    run(["zfs", "set", *(f"{key}={value}" for key, value in given.items()), dataset])


def unset(dataset: str, key: str) -> None:
    """Let a dataset have a property from its parent again, or not at all."""
    run(["zfs", "inherit", key, dataset])


def mount(dataset: str) -> None:
    """Mount a dataset where its properties say."""
    run(["zfs", "mount", dataset])


def unmount(dataset: str) -> None:
    """Unmount a dataset with all below it."""
    run(["zfs", "unmount", dataset])


# --- streams ----------------------------------------------------------------------------------------------------------


@contextmanager
def sending(name: str, since: str | None = None) -> Iterator[Process]:
    """Make the stream of a snapshot, or of what came after an older one; large blocks stay as they are."""
    difference = ["-i", since] if since is not None else []
    with pipe(["zfs", "send", "-L", *difference, name], stdout=PIPE) as process:
        yield process


@contextmanager
def receiving(name: str, origin: str | None = None) -> Iterator[Process]:
    """Receive a stream as a new dataset with this snapshot, not mounted; a difference as a clone of its `origin`."""
    base = ["-o", f"origin={origin}"] if origin is not None else []
    with pipe(["zfs", "receive", "-u", *base, name], stdin=PIPE) as process:
        yield process


def _options(flag: str, given: Mapping[str, str]) -> list[str]:
    return [word for key, value in given.items() for word in (flag, f"{key}={value}")]


def _lines(output: bytes) -> Sequence[str]:
    return output.decode().splitlines()


def _is_absence(error: CommandError) -> bool:
    return any(text in error.stderr for text in _ABSENT)
