"""`holdfast info`: an instance with what it uses and its snapshots, or the server."""

from __future__ import annotations

import click

from holdfast.cli.groups import command
from holdfast.cli.references import NO_INSTANCE, InstanceReference, InstanceType
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import render
from holdfast.cli.units import format_bytes, format_time, yes_or_no
from holdfast.client.shapes import Backup, InstanceFull, InstanceState, NetworkState, Snapshot, Undo

LOG_LINES = 100


@command(
    "info",
    "Show an instance: its state, what it uses, its snapshots and backups. Without a name: the server.",
    examples=("holdfast info web", "holdfast info web --show-log", "holdfast info"),
)
@click.argument("instance", type=InstanceType(may_be_empty=True), default=NO_INSTANCE)
@click.option("--show-log", is_flag=True, help=f"Show the last {LOG_LINES} lines of the log as well")
@pass_session
def info(session: Session, instance: InstanceReference, show_log: bool) -> None:
    if not instance.name:
        from holdfast.cli.yaml_text import to_yaml

        click.echo(to_yaml(session.client.server_info()), nl=False)
        return
    lines = instance_lines(session.client.instances.get_full(instance.name))
    click.echo("\n".join(lines + undo_lines(session.client.instances.undo_facts(instance.name))))
    if show_log:
        click.echo("\nLog:\n\n" + _log(session, instance.name))


def _log(session: Session, name: str) -> str:
    names = session.client.instances.log_names(name)
    for wanted in ("lxc.log", "qemu.log"):
        if wanted in names:
            text = session.client.instances.log(name, wanted).decode(errors="replace")
            return "\n".join(text.splitlines()[-LOG_LINES:])
    return ""


def instance_lines(instance: InstanceFull) -> list[str]:
    """Return what to print of an instance."""
    lines = [
        f"Name: {instance['name']}",
        *([f"Description: {instance['description']}"] if instance["description"] else []),
        f"Status: {instance['status'].upper()}",
        f"Type: {instance['type']}{' (ephemeral)' if instance['ephemeral'] else ''}",
        f"Architecture: {instance['architecture']}",
    ]
    state = instance["state"]
    if state and state["pid"]:
        lines.append(f"PID: {state['pid']}")
    lines.append(f"Created: {format_time(instance['created_at'])}")
    if used := format_time(instance["last_used_at"]):
        lines.append(f"Last Used: {used}")
    if state:
        lines += _resource_lines(state)
    lines += _snapshot_lines(instance["snapshots"] or [])
    return lines + _backup_lines(instance["backups"] or [])


def _resource_lines(state: InstanceState) -> list[str]:
    lines: list[str] = []
    if state["pid"]:
        lines.append(f"  Processes: {state['processes']}")
    disk = {name: usage["usage"] for name, usage in (state["disk"] or {}).items() if usage.get("usage", 0) > 0}
    if disk:
        lines += ["  Disk usage:", *(f"    {name}: {format_bytes(size)}" for name, size in disk.items())]
    if state["pid"]:
        lines += ["  CPU usage:", f"    CPU usage (in seconds): {state['cpu'].get('usage', 0) // 1_000_000_000}"]
        memory = state["memory"]
        sizes = {
            "Memory (current)": memory["usage"],
            "Memory (peak)": memory["usage_peak"],
            "Swap (current)": memory["swap_usage"],
            "Swap (peak)": memory["swap_usage_peak"],
        }
        shown = [f"    {name}: {format_bytes(size)}" for name, size in sizes.items() if size]
        lines += ["  Memory usage:", *shown] if shown else []
    if state["network"]:
        lines.append("  Network usage:")
        for name, network in sorted(state["network"].items()):
            lines += _network_lines(name, network)
    return ["", "Resources:", *lines] if lines else []


def _network_lines(name: str, network: NetworkState) -> list[str]:
    counters = network["counters"]
    facts = {
        "Type": network["type"],
        "State": network["state"].upper(),
        "Host interface": network["host_name"],
        "MAC address": network["hwaddr"],
        "MTU": str(network["mtu"] or ""),
        "Bytes received": format_bytes(counters["bytes_received"]),
        "Bytes sent": format_bytes(counters["bytes_sent"]),
        "Packets received": str(counters["packets_received"]),
        "Packets sent": str(counters["packets_sent"]),
    }
    lines = [f"    {name}:", *(f"      {key}: {value}" for key, value in facts.items() if value), "      IP addresses:"]
    for entry in network["addresses"]:
        label = f"{entry['family']}:".ljust(len("inet6:"))
        lines.append(f"        {label} {entry['address']}/{entry['netmask']} ({entry['scope']})")
    return lines


def _snapshot_lines(snapshots: list[Snapshot]) -> list[str]:
    if not snapshots:
        return []
    rows = [
        [
            snapshot["name"].rpartition("/")[2],
            format_time(snapshot["created_at"]),
            format_time(snapshot["expires_at"]),
            yes_or_no(snapshot["stateful"]),
            yes_or_no(snapshot.get("held", False)),
            snapshot.get("description", ""),
        ]
        for snapshot in snapshots
    ]
    table = render("table", ["NAME", "TAKEN AT", "EXPIRES AT", "STATEFUL", "HELD", "DESCRIPTION"], rows, snapshots)
    return ["", "Snapshots:", table.rstrip("\n")]


def undo_lines(undo: Undo | None) -> list[str]:
    """Return what to print of the state before the last restore."""
    if undo is None:
        return []
    size = [f"  Size: {format_bytes(undo['size'])}"] if undo["size"] >= 0 else []
    what = f"Restored: {undo['snapshot']}" if undo["snapshot"] else "Replaced by an import"
    restored = f"  {what} at {format_time(undo['created_at'])}"
    return ["", "Undo:", restored, f"  Possible until: {format_time(undo['expires_at'])}", *size]


def _backup_lines(backups: list[Backup]) -> list[str]:
    if not backups:
        return []
    rows = [
        [
            backup["name"].rpartition("/")[2],
            format_time(backup["created_at"]),
            format_time(backup["expires_at"]),
            yes_or_no(backup["instance_only"]),
            yes_or_no(backup["optimized_storage"]),
        ]
        for backup in backups
    ]
    header = ["NAME", "TAKEN AT", "EXPIRES AT", "INSTANCE ONLY", "OPTIMIZED STORAGE"]
    return ["", "Backups:", render("table", header, rows, backups).rstrip("\n")]
