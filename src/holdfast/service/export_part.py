"""Which part of an instance or volume an export takes: all, no snapshots, one point in time, not all paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from holdfast.archive.content import ExportContent
from holdfast.archive.definition import Definition
from holdfast.archive.exclusion import Exclusion
from holdfast.archive.metadata_versions import check_version
from holdfast.archive.own_keys import as_partial_export
from holdfast.archive.volume_definition import VolumeDefinition
from holdfast.model.errors import BadRequestError, SnapshotNotFoundError, VolumeSnapshotNotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_changes import ATTACHED_VOLUMES_KEY
from holdfast.model.kinds import ContentType
from holdfast.model.volume import CustomVolume, VolumeSnapshot


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportPart:
    """`snapshot` names the one that is exported as the instance or volume; paths that match `exclude` are left out."""

    is_alone: bool = False
    """Without snapshots."""
    optimized_storage: bool = False
    snapshot: str = ""
    exclude: tuple[str, ...] = ()
    version: int = 1
    """Of the metadata."""
    with_volumes: bool = False
    """With the volumes that are attached to the instance."""
    since: str = ""
    """Only what differs from this snapshot, and the snapshots after it."""

    def check(self) -> None:
        """Raise for patterns that mean nothing, and for what a stream of a storage driver can't leave out."""
        Exclusion.parse(self.exclude)
        check_version(self.version)
        if self.since and (self.snapshot or self.exclude or self.with_volumes):
            raise BadRequestError(
                "An export since a snapshot holds the difference of a whole instance: leave out since, "
                "or snapshot, exclude and with_volumes"
            )
        if self.optimized_storage and (self.snapshot or self.exclude):
            raise BadRequestError(
                "An export with optimized_storage holds whole volumes: leave out optimized_storage, "
                "or snapshot and exclude"
            )

    def definition(self, instance: Instance, snapshots: Sequence[Snapshot]) -> Definition:
        """Return what the file describes, without profiles; what is left out is noted in the configuration."""
        names = [each.name for each in snapshots]
        if (wanted := self.snapshot or self.since) and wanted not in names:
            raise SnapshotNotFoundError(instance.project, instance.name, wanted)
        if self.snapshot:
            return Definition(instance=self._as_of(instance, snapshots[names.index(self.snapshot)]))
        newer = snapshots[names.index(self.since) + 1 :] if self.since else snapshots
        config = as_partial_export(instance.config, "", self.exclude)
        return Definition(instance=replace(instance, config=config), snapshots=() if self.is_alone else tuple(newer))

    def volume_definition(self, volume: CustomVolume, snapshots: Sequence[VolumeSnapshot]) -> VolumeDefinition:
        """Return what the file of a volume describes, as `definition` does it for instances."""
        if self.exclude and volume.content_type is not ContentType.FILESYSTEM:
            raise BadRequestError("A volume with block content is a disk: no paths of it can be left out")
        if not self.snapshot:
            kept = () if self.is_alone else tuple(snapshots)
            config = as_partial_export(volume.config, "", self.exclude)
            return VolumeDefinition(volume=replace(volume, config=config), snapshots=kept)
        found = next((each for each in snapshots if each.name == self.snapshot), None)
        if found is None:
            raise VolumeSnapshotNotFoundError(volume.pool, volume.name, self.snapshot)
        config = as_partial_export(found.config, self.snapshot, self.exclude)
        return VolumeDefinition(volume=replace(volume, config=config, description=found.description))

    def for_volume(self, snapshot: str) -> ExportPart:
        """Return what is taken of an attached volume, whose own snapshot that is; patterns are about the root disk."""
        return replace(self, snapshot=snapshot, exclude=(), with_volumes=False)

    def source(self, tree: str | None) -> str | None:
        """Return the snapshot that a tree of the file comes from: None for the instance itself."""
        return tree or self.snapshot or None

    def content(self, content: ExportContent) -> ExportContent:
        """Return the content without the paths that are left out."""
        if not self.exclude:
            return content
        exclusion = Exclusion.parse(self.exclude)
        return replace(content, trees=[replace(tree, exclusion=exclusion) for tree in content.trees])

    def _as_of(self, instance: Instance, snapshot: Snapshot) -> Instance:
        config = {key: value for key, value in snapshot.config.items() if key != ATTACHED_VOLUMES_KEY}
        return replace(
            instance,
            architecture=snapshot.architecture,
            description=snapshot.instance_description,
            config=as_partial_export(config, self.snapshot, self.exclude),
            devices=snapshot.devices,
            profiles=snapshot.profiles,
            ephemeral=snapshot.ephemeral,
            stateful=False,
        )
