"""The documents of the API as the client reads them.

They are plain dictionaries with known keys. Keys that this version does not know are kept, so that what was read can
be shown, edited and sent back whole.
"""

from __future__ import annotations

from typing import NotRequired, TypedDict

StringMap = dict[str, str]
DeviceMap = dict[str, StringMap]


class Operation(TypedDict):
    """Background work; final when `status_code` is 200 or more (200 done, 400 failed, 401 cancelled)."""

    id: str
    description: str
    created_at: str
    status: str
    status_code: int
    resources: dict[str, list[str]] | None
    metadata: dict[str, object] | None
    may_cancel: bool
    err: str


class OperationListed(Operation):
    """An operation as lists show it, with its class: `task`, `websocket` or `token`."""

    location: str


class Address(TypedDict):
    family: str
    address: str
    netmask: str
    scope: str


class Counters(TypedDict):
    bytes_received: int
    bytes_sent: int
    packets_received: int
    packets_sent: int


class NetworkState(TypedDict):
    addresses: list[Address]
    counters: Counters
    hwaddr: str
    host_name: str
    mtu: int
    state: str
    type: str


class MemoryState(TypedDict):
    usage: int
    usage_peak: int
    swap_usage: int
    swap_usage_peak: int


class InstanceState(TypedDict):
    """What an instance uses right now. `network` is None and `pid` 0 when it is stopped."""

    status: str
    status_code: int
    disk: dict[str, dict[str, int]] | None
    memory: MemoryState
    network: dict[str, NetworkState] | None
    pid: int
    processes: int
    cpu: dict[str, int]


class Snapshot(TypedDict):
    """A snapshot of an instance; `name` is the bare one. An `expires_at` of year 1 means never.

    LXD lacks the last four.
    """

    name: str
    architecture: str
    config: StringMap
    devices: DeviceMap
    ephemeral: bool
    profiles: list[str]
    created_at: str
    expires_at: str
    expanded_config: StringMap
    expanded_devices: DeviceMap
    stateful: bool
    size: int
    description: NotRequired[str]
    held: NotRequired[bool]
    schedule: NotRequired[str]
    due_at: NotRequired[str]


class SnapshotPlan(TypedDict):
    """What becomes of a snapshot: kept or not, until when (None: that isn't known), and why."""

    name: str
    kept: bool
    goes_at: str | None
    reason: str
    created_at: str
    expires_at: str
    held: bool
    schedule: str


class Removal(TypedDict):
    """A snapshot that goes, and why it stays until then."""

    name: str
    goes_at: str
    reason: str


class SnapshotSchedule(TypedDict):
    """A schedule of an instance or a custom volume; absent times are None."""

    subject: str
    type: str
    project: str
    name: str
    label: str
    rule: str
    pattern: str
    expiry: str
    keep: str
    status: str
    next_at: str | None
    last_due_at: str | None
    last_run_at: str | None
    last_success_at: str | None
    failures: int
    error: str
    next_removal: Removal | None


class Undo(TypedDict):
    """The state before an instance's last restore, of `snapshot`; a `size` of -1 isn't known."""

    snapshot: str
    created_at: str
    expires_at: str
    size: int


class Backup(TypedDict):
    """An export file on the server, of an instance or of a volume."""

    name: str
    created_at: str
    expires_at: str
    instance_only: NotRequired[bool]
    volume_only: NotRequired[bool]
    optimized_storage: bool
    size: NotRequired[int]
    """Bytes; -1, or left out by a server that isn't ours: not told."""


class Instance(TypedDict):
    """A container or a virtual machine: what was set on it, and what its profiles make of it."""

    name: str
    description: str
    status: str
    status_code: int
    created_at: str
    last_used_at: str
    location: str
    type: str
    project: str
    architecture: str
    ephemeral: bool
    stateful: bool
    profiles: list[str]
    config: StringMap
    devices: DeviceMap
    expanded_config: StringMap
    expanded_devices: DeviceMap


class InstanceFull(Instance):
    """An instance with its state, snapshots and backups in one answer."""

    state: InstanceState | None
    snapshots: list[Snapshot] | None
    backups: list[Backup] | None


class Profile(TypedDict):
    name: str
    description: str
    config: StringMap
    devices: DeviceMap
    used_by: list[str]


class Project(TypedDict):
    name: str
    description: str
    config: StringMap
    used_by: list[str]


class Pool(TypedDict):
    name: str
    description: str
    driver: str
    config: StringMap
    status: str
    used_by: list[str] | None


class Space(TypedDict):
    used: int
    total: int


class PoolResources(TypedDict):
    space: Space
    inodes: Space


class Volume(TypedDict):
    name: str
    description: str
    type: str
    content_type: str
    config: StringMap
    used_by: list[str] | None
    location: str
    project: str
    created_at: str


class VolumeSnapshot(TypedDict):
    """A snapshot of a volume. An `expires_at` of year 1, or none, means never."""

    name: str
    description: str
    config: StringMap
    content_type: str
    created_at: str
    expires_at: str | None
    held: NotRequired[bool]


class VolumeUsage(TypedDict):
    """Bytes; a `total` of 0 is no limit."""

    used: int
    total: int


class ImageAliasEntry(TypedDict):
    name: str
    description: str


class Image(TypedDict):
    fingerprint: str
    filename: str
    size: int
    public: bool
    auto_update: bool
    cached: bool
    architecture: str
    type: str
    aliases: list[ImageAliasEntry] | None
    properties: StringMap | None
    profiles: list[str] | None
    created_at: str
    uploaded_at: str
    expires_at: str
    last_used_at: str


class ImageAlias(TypedDict):
    name: str
    description: str
    target: str
    type: str


class Event(TypedDict):
    """One message of the events stream: `type` is operation, lifecycle or logging."""

    type: str
    timestamp: str
    metadata: dict[str, object]
    location: str
    project: str


class SchedulePreview(TypedDict):
    """What a schedule would do. `errors` are by field, "" for none."""

    next: list[str]
    name: str
    expires_at: str | None
    kept: list[SnapshotPlan]
    errors: dict[str, str]


class ChangedEntry(TypedDict):
    """One entry that differs: `change` is added, changed or removed; `what` says what of a changed one."""

    path: str
    change: str
    type: str
    old_size: int | None
    new_size: int | None
    what: list[str]


class Changes(TypedDict):
    """A page of what differs, and the numbers of all; not complete where time was up before all was seen."""

    to: str
    path: str
    added: int
    changed: int
    removed: int
    complete: bool
    entries: list[ChangedEntry]
    next_offset: int | None


class SignInLink(TypedDict):
    """A link that signs one browser in; `other_urls` lead to the same server by its other addresses."""

    url: str
    other_urls: list[str]
    expires_at: str


class UiSession(TypedDict):
    """Who we are to the server: `by` is browser, certificate or socket, `access` is full or restricted."""

    by: str
    access: str
    projects: list[str]
    name: str
    browser: str
    expires_at: str


class SignedInBrowser(TypedDict):
    """`current` is the one that asks."""

    id: str
    name: str
    address: str
    created_at: str
    last_seen_at: str
    expires_at: str
    restricted: bool
    projects: list[str]
    current: bool


class ServerWarning(TypedDict):
    """What went wrong while nobody asked: `type` says what, `entity_url` with which object, `count` how often."""

    uuid: str
    status: str
    severity: str
    type: str
    project: str
    entity_url: str
    location: str
    count: int
    first_seen_at: str
    last_seen_at: str
    last_message: str


class ServerEnvironment(TypedDict):
    server: str
    server_version: str
    server_name: str
    kernel_version: str
    storage: str
    certificate: str
    """The server's own, PEM."""


class ServerInfo(TypedDict):
    """What `GET /1.0` tells; `config` holds the server's own configuration keys."""

    config: dict[str, object]
    api_extensions: list[str]
    api_version: str
    auth: str
    environment: ServerEnvironment


class Upload(TypedDict):
    """A file that comes to the server in pieces; `size` is -1 where it isn't known."""

    id: str
    size: int
    offset: int
    created_at: str
    expires_at: str


class ProtectedCopy(TypedDict):
    instance: str
    tried_at: str
    succeeded_at: str
    error: str
    bytes: int
    seconds: float
    missing: bool
    late: bool


class Protection(TypedDict):
    """Instances of another server that copies are kept of; times are "" for never."""

    name: str
    remote: str
    address: str
    fingerprint: str
    project: str
    pattern: str
    target_project: str
    pool: str
    schedule: str
    keep: str
    window: str
    limit: int
    parallel: int
    paused: bool
    created_at: str
    next_at: str
    last_run_at: str
    last_success_at: str
    failures: int
    error: str
    copies: list[ProtectedCopy]


class TrustedCertificate(TypedDict):
    name: str
    type: str
    restricted: bool
    projects: list[str]
    certificate: str
    fingerprint: str
