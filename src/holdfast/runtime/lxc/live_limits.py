"""Limits of a container that runs: written to its control group, and to the configuration that it reboots with."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from holdfast.host.cgroups import ControlGroup, hierarchies
from holdfast.model.errors import RuntimeFailure
from holdfast.runtime.lxc.limits import HostSize, limit_lines, live_changes, revised_text


def change_limits(
    key: str, group: ControlGroup, config: Path, size: HostSize, before: Mapping[str, str], after: Mapping[str, str]
) -> None:
    """Go from the limits of one expanded config to those of another; on a failure, back again."""
    host = hierarchies()
    old, new = (dict(limit_lines(each, host, size, key)) for each in (before, after))
    if old == new:
        return
    try:
        for file, value in live_changes(old, new):
            _write(group, file, value)
        _rewrite(config, old, new)
    except (OSError, RuntimeFailure) as error:
        for file, value in live_changes(new, old):
            with contextlib.suppress(OSError):
                group.write(file, value)
        raise RuntimeFailure(f'Failed to change the limits of instance "{key}": {error}') from error


def _write(group: ControlGroup, file: str, value: str | None) -> None:
    try:
        group.write(file, value)
    except OSError as error:
        wanted = "no limit" if value is None else value
        raise RuntimeFailure(f"the kernel refuses {wanted} for {file}: {os.strerror(error.errno or 0)}") from error


def _rewrite(config: Path, old: Mapping[str, str], new: Mapping[str, str]) -> None:
    beside = config.with_name("config.new")
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        file.write(revised_text(config.read_text(encoding="utf-8"), old, new))
    beside.replace(config)
