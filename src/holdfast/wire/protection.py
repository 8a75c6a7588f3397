"""Instances of other servers that this one keeps copies of. Of Holdfast alone: LXD has nothing like it."""

from __future__ import annotations

import msgspec


class ProtectedCopy(msgspec.Struct, kw_only=True):
    """How the copy of one instance stands; `bytes` and `seconds` are those of the last good run.

    `missing`: the other server has no such instance any more; what is here stays. Times are "" for never.
    """

    instance: str
    tried_at: str
    succeeded_at: str
    error: str
    bytes: int
    seconds: float
    missing: bool
    late: bool


class Protection(msgspec.Struct, kw_only=True):
    """`fingerprint` is that of the certificate which the other server must show; `limit` 0 is none.

    `next_at` is "" while it is paused. `failures` counts runs since the last good one, `error` is that of the last.
    """

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


class ProtectionsPost(msgspec.Struct, kw_only=True):
    """A new one. "" as `name` is made of remote and pattern, as `pool` the default profile's.

    `check_only`: say only whether it can be set up here; the other server isn't asked, and needn't trust this one yet.
    """

    name: str = ""
    remote: str
    address: str
    certificate: str
    project: str = "default"
    pattern: str
    target_project: str = "default"
    pool: str = ""
    schedule: str
    keep: str = ""
    window: str = ""
    limit: int = 0
    parallel: int = 2
    check_only: bool = False


class ProtectionPatch(msgspec.Struct, kw_only=True):
    """What is to change; absent leaves it as it is."""

    schedule: str | None = None
    keep: str | None = None
    window: str | None = None
    limit: int | None = None
    parallel: int | None = None
    paused: bool | None = None
