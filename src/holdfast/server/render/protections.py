"""Protections as the API shows them."""

from __future__ import annotations

import hashlib
import ssl
from datetime import datetime

from holdfast.service.protections import CopyView, ProtectionView
from holdfast.wire import protection as wire
from holdfast.wire.timestamps import to_wire


def protection_shape(view: ProtectionView) -> wire.Protection:
    protection, run = view.protection, view.run
    return wire.Protection(
        name=protection.name,
        remote=protection.remote,
        address=protection.address,
        fingerprint=hashlib.sha256(ssl.PEM_cert_to_DER_cert(protection.certificate)).hexdigest(),
        project=protection.project,
        pattern=protection.pattern,
        target_project=protection.target_project,
        pool=protection.pool,
        schedule=protection.schedule,
        keep=protection.keep,
        window=protection.window,
        limit=protection.bytes_per_s or 0,
        parallel=protection.parallel,
        paused=protection.is_paused,
        created_at=to_wire(protection.created_at),
        next_at=_time(view.next_at),
        last_run_at=_time(run.last_run_at if run else None),
        last_success_at=_time(run.last_success_at if run else None),
        failures=run.failures if run else 0,
        error=run.error if run else "",
        copies=[_copy(each) for each in view.copies],
    )


def _copy(view: CopyView) -> wire.ProtectedCopy:
    copy = view.copy
    return wire.ProtectedCopy(
        instance=copy.instance,
        tried_at=_time(copy.tried_at),
        succeeded_at=_time(copy.succeeded_at),
        error=copy.error,
        bytes=copy.received_bytes,
        seconds=round(copy.duration_s, 3),
        missing=copy.is_missing,
        late=view.is_late,
    )


def _time(moment: datetime | None) -> str:
    return "" if moment is None else to_wire(moment)
