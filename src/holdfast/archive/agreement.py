"""Two documents of one file tell the same, or the file is refused: checks on one must never be worth nothing."""

from __future__ import annotations

from holdfast.archive.definition import Definition
from holdfast.model.errors import ArchiveError
from holdfast.model.instance import Instance


def check_agreement(index: Definition, document: Definition, *, is_renamed: bool) -> None:
    """Raise `ArchiveError` where the instance's `backup.yaml` differs from the index in what makes up an instance.

    Volatile keys may lag behind. Under a new name the old one doesn't matter; else the text for it is LXD's. Snapshots
    are taken from the index alone, so that the document of an `--instance-only` file may list some.
    """
    ours, theirs = index.instance, document.instance
    if ours.name != theirs.name and not is_renamed:
        raise ArchiveError(
            f'Instance name requested "{ours.name}" doesn\'t match instance name in backup config "{theirs.name}"'
        )
    for what, one, other in (
        ("type", ours.type, theirs.type),
        ("architecture", ours.architecture, theirs.architecture),
        ("profiles", ours.profiles, theirs.profiles),
        ("devices", ours.devices, theirs.devices),
        ("config", _lasting(ours), _lasting(theirs)),
    ):
        if one != other:
            raise ArchiveError(f"index.yaml and backup.yaml of the backup disagree on the instance's {what}")


def _lasting(instance: Instance) -> dict[str, str]:
    return {key: value for key, value in instance.config.items() if not key.startswith("volatile.")}
