"""The columns of `holdfast list`."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

import click

from holdfast.cli.units import format_bytes, format_time, parse_bytes
from holdfast.client.shapes import InstanceFull, InstanceState

Text = Callable[[InstanceFull], str]


@dataclass(frozen=True)
class Column:
    """One column: its heading, and what it says of an instance."""

    header: str
    text: Text


def _state(instance: InstanceFull) -> InstanceState | None:
    state = instance.get("state")
    return state if state and state["pid"] != 0 else None


def _addresses(family: str) -> Text:
    def text(instance: InstanceFull) -> str:
        state = _state(instance)
        if state is None:
            return ""
        lines = [
            f"{entry['address']} ({device})"
            for device, network in sorted((state["network"] or {}).items())
            for entry in network["addresses"]
            if entry["family"] == family and entry["scope"] not in ("link", "local")
        ]
        return "\n".join(lines)

    return text


def _pool(instance: InstanceFull) -> str:
    for device in instance["expanded_devices"].values():
        if device.get("type") == "disk" and device.get("path") == "/":
            return device.get("pool", "")
    return ""


def _memory(instance: InstanceFull) -> str:
    state = _state(instance)
    return format_bytes(state["memory"]["usage"]) if state and state["memory"]["usage"] else ""


def _memory_share(instance: InstanceFull) -> str:
    """Return the share of what the instance may use, as `lxc` does; no limit, or one in percent: nothing."""
    state = _state(instance)
    limit_bytes = parse_bytes(instance["expanded_config"].get("limits.memory", ""))
    return f"{state['memory']['usage'] / limit_bytes:.1%}" if state and limit_bytes else ""


def _disk(instance: InstanceFull) -> str:
    state = instance.get("state")
    usage = ((state["disk"] if state else None) or {}).get("root", {}).get("usage", 0)
    return format_bytes(usage) if usage > 0 else ""


def _cpu(instance: InstanceFull) -> str:
    state = _state(instance)
    return f"{state['cpu']['usage'] // 1_000_000_000}s" if state and state["cpu"].get("usage") else ""


def _number(key: str) -> Text:
    def text(instance: InstanceFull) -> str:
        state = _state(instance)
        if state is None:
            return ""
        return str(state["pid"] if key == "pid" else state["processes"])

    return text


def _type(instance: InstanceFull) -> str:
    kind = instance["type"].upper()
    return f"{kind} (EPHEMERAL)" if instance["ephemeral"] else kind


COLUMNS = {
    "4": Column("IPV4", _addresses("inet")),
    "6": Column("IPV6", _addresses("inet6")),
    "a": Column("ARCHITECTURE", lambda instance: instance["architecture"]),
    "b": Column("STORAGE POOL", _pool),
    "c": Column("CREATED AT", lambda instance: format_time(instance["created_at"])),
    "d": Column("DESCRIPTION", lambda instance: instance["description"]),
    "D": Column("DISK USAGE", _disk),
    "e": Column("PROJECT", lambda instance: instance["project"]),
    "f": Column("BASE IMAGE", lambda instance: instance["config"].get("volatile.base_image", "")[:12]),
    "F": Column("BASE IMAGE", lambda instance: instance["config"].get("volatile.base_image", "")),
    "l": Column("LAST USED AT", lambda instance: format_time(instance["last_used_at"])),
    "L": Column("LOCATION", lambda instance: instance["location"]),
    "m": Column("MEMORY USAGE", _memory),
    "M": Column("MEMORY USAGE%", _memory_share),
    "n": Column("NAME", lambda instance: instance["name"]),
    "N": Column("PROCESSES", _number("processes")),
    "p": Column("PID", _number("pid")),
    "P": Column("PROFILES", lambda instance: "\n".join(instance["profiles"])),
    "s": Column("STATE", lambda instance: instance["status"].upper()),
    "S": Column("SNAPSHOTS", lambda instance: str(len(instance.get("snapshots") or []))),
    "t": Column("TYPE", _type),
    "u": Column("CPU USAGE", _cpu),
}
COLUMN_HELP = ", ".join(f"{letter} {column.header.lower()}" for letter, column in COLUMNS.items())
_FROM_FULL = set("46DmMNpSu")


def needs_full(wanted: str) -> bool:
    """Tell whether the columns need what only running instances can tell, or their snapshots."""
    return any(set(part) & _FROM_FULL for part in wanted.split(",") if "." not in part)


def columns_of(wanted: str) -> list[Column]:
    """Read a list of columns: letters, and keys with a dot as KEY[:NAME[:WIDTH]], separated by commas."""
    columns: list[Column] = []
    for part in wanted.split(","):
        if not part:
            raise click.UsageError(f'There is an empty column in "{wanted}"')
        if "." in part or part.startswith(("config:", "devices:")):
            columns.append(_custom(part))
            continue
        for letter in part:
            if letter not in COLUMNS:
                raise click.UsageError(f'There is no column "{letter}". Known are: {COLUMN_HELP}')
            columns.append(COLUMNS[letter])
    return columns


def _heading(name: str) -> str:
    """Return a name as `lxc` writes it above a column: in capitals, and no dots but those of numbers."""
    return re.sub(r"_|(?<=[^\d ])\.|\.(?=[^\d ])", " ", name).strip().upper()


def _limit(key: str, width: str, header: str) -> int | None:
    """Read a width as `lxc` does: -1 for no limit, 0 for the room that the header takes."""
    if not re.fullmatch(r"-1|[0-9]{1,9}", width):
        raise click.UsageError(f'The width of column "{key}" is not a number from 0, or -1 for all of it: {width}')
    return None if width == "-1" else int(width) or len(header)


def _custom(part: str) -> Column:
    kind = "config"
    for known in ("config", "devices"):
        if part.startswith(f"{known}:"):
            kind, part = known, part.partition(":")[2]
    key, *more = part.split(":")
    if len(more) > 2:
        raise click.UsageError(f'Column "{part}" has too many parts: KEY[:NAME[:WIDTH]]')
    name, width = (*more, "", "")[:2]
    header = _heading(name or key)
    limit = _limit(key, width or "-1", header)

    def text(instance: InstanceFull) -> str:
        if kind == "config":
            value = instance["expanded_config"].get(key, "")
        else:
            device, _, option = key.partition(".")
            value = instance["expanded_devices"].get(device, {}).get(option, "")
        return value[:limit]

    return Column(header, text)
