"""The documents of the API as the client reads them, a module for each kind of thing.

They are plain dictionaries with known keys. Keys that this version does not know are kept, so that what was read can
be shown, edited and sent back whole.
"""

from __future__ import annotations

from holdfast.client.shapes.backups import Backup, ProtectedCopy, Protection, Upload
from holdfast.client.shapes.images import Image, ImageAlias, ImageAliasEntry
from holdfast.client.shapes.instances import (
    Address,
    Counters,
    Instance,
    InstanceFull,
    InstanceState,
    MemoryState,
    NetworkState,
)
from holdfast.client.shapes.maps import DeviceMap, StringMap
from holdfast.client.shapes.operations import Event, Operation, OperationListed
from holdfast.client.shapes.projects import Profile, Project
from holdfast.client.shapes.schedules import Removal, SchedulePreview, SnapshotSchedule
from holdfast.client.shapes.server import ServerEnvironment, ServerInfo, ServerWarning
from holdfast.client.shapes.snapshots import ChangedEntry, Changes, Snapshot, SnapshotPlan, Undo
from holdfast.client.shapes.storage import Pool, PoolResources, Space, Volume, VolumeSnapshot, VolumeUsage
from holdfast.client.shapes.trust import SignedInBrowser, SignInLink, TrustedCertificate, UiSession

__all__ = [
    "Address",
    "Backup",
    "ChangedEntry",
    "Changes",
    "Counters",
    "DeviceMap",
    "Event",
    "Image",
    "ImageAlias",
    "ImageAliasEntry",
    "Instance",
    "InstanceFull",
    "InstanceState",
    "MemoryState",
    "NetworkState",
    "Operation",
    "OperationListed",
    "Pool",
    "PoolResources",
    "Profile",
    "Project",
    "ProtectedCopy",
    "Protection",
    "Removal",
    "SchedulePreview",
    "ServerEnvironment",
    "ServerInfo",
    "ServerWarning",
    "SignInLink",
    "SignedInBrowser",
    "Snapshot",
    "SnapshotPlan",
    "SnapshotSchedule",
    "Space",
    "StringMap",
    "TrustedCertificate",
    "UiSession",
    "Undo",
    "Upload",
    "Volume",
    "VolumeSnapshot",
    "VolumeUsage",
]
