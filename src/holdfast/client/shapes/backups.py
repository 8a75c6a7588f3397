"""Export files, uploads of them, and copies that are kept of other servers."""

from __future__ import annotations

from typing import NotRequired, TypedDict


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
