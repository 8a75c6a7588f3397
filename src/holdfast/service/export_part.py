"""Which part of an instance an export takes: all of it, without snapshots, one point in time, without some paths."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from holdfast.archive.content import ExportContent
from holdfast.archive.definition import Definition
from holdfast.archive.exclusion import Exclusion
from holdfast.archive.metadata_versions import check_version
from holdfast.archive.own_keys import as_partial_export
from holdfast.model.errors import BadRequestError, SnapshotNotFoundError
from holdfast.model.instance import Instance, Snapshot
from holdfast.model.instance_changes import ATTACHED_VOLUMES_KEY


@dataclass(frozen=True, kw_only=True, slots=True)
class ExportPart:
    """`snapshot` names the one that is exported as the instance; `exclude` are patterns of paths that are left out."""

    instance_only: bool = False
    optimized_storage: bool = False
    snapshot: str = ""
    exclude: tuple[str, ...] = ()
    version: int = 1
    """Of the metadata."""

    def check(self) -> None:
        """Raise for patterns that mean nothing, and for what a stream of a storage driver can't leave out."""
        Exclusion.parse(self.exclude)
        check_version(self.version)
        if self.optimized_storage and (self.snapshot or self.exclude):
            raise BadRequestError(
                "An export with optimized_storage holds whole volumes: leave out optimized_storage, "
                "or snapshot and exclude"
            )

    def definition(self, instance: Instance, snapshots: Sequence[Snapshot]) -> Definition:
        """Return what the file describes, without profiles; what is left out is noted in the configuration."""
        if not self.snapshot:
            kept = () if self.instance_only else tuple(snapshots)
            config = as_partial_export(instance.config, "", self.exclude)
            return Definition(instance=replace(instance, config=config), snapshots=kept)
        found = next((each for each in snapshots if each.name == self.snapshot), None)
        if found is None:
            raise SnapshotNotFoundError(instance.project, instance.name, self.snapshot)
        return Definition(instance=self._as_of(instance, found))

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
