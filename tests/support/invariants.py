"""Check that a server's records and its storage agree, and that nothing is left over anywhere."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path

from support.holdfast import HoldfastServer


def violations(server: HoldfastServer) -> list[str]:
    """Return one line per broken promise: record without data, data without record, rubbish, open intents."""
    _settle(server)
    instances = json.loads(server.lxc.run("query", "/1.0/instances?recursion=2"))
    lines = []
    for pool in json.loads(server.lxc.run("query", "/1.0/storage-pools?recursion=1")):
        root = server.directory / "storage-pools" / pool["name"]
        here = [item for item in instances if item["expanded_devices"]["root"]["pool"] == pool["name"]]
        wanted = {item["name"] for item in here}
        lines += _compare(f"{pool['name']}: volumes", wanted, _names(root / "containers"))
        kept = {f"{item['name']}/{snapshot['name']}" for item in here for snapshot in item["snapshots"] or []}
        found = {
            f"{folder.name}/{snapshot.name}"
            for folder in _children(root / "containers-snapshots")
            for snapshot in _children(folder)
        }
        lines += _compare(f"{pool['name']}: snapshots", kept, found)
        lines += _volumes(server, pool["name"], root)
        lines += _compare(f"{pool['name']}: staging", set(), _names(root / ".staging"))
        lines += _compare(
            f"{pool['name']}: former states", _former_states(server, pool["name"]), _names(root / ".former")
        )
        lines += _compare(f"{pool['name']}: bases", _bases(server, pool["name"]), _names(root / ".bases"))
    backups = {f"{item['name']}/{backup['name']}" for item in instances for backup in item["backups"] or []}
    files = {
        f"{folder.name}/{file.name}"
        for folder in _children(server.directory / "backups/instances")
        for file in _children(folder)
    }
    lines += _compare("backups", backups, files)
    lines += _volume_backups(server)
    lines += _compare("uploads", set(), _names(server.directory / "backups/.incoming"))
    images = json.loads(server.lxc.run("query", "/1.0/images?recursion=1"))
    stored = {name.removesuffix(".rootfs") for name in _names(server.directory / "images")}
    lines += _compare("images", {image["fingerprint"] for image in images}, stored - {".staging"})
    lines += _compare("staged images", set(), _names(server.directory / "images/.staging"))
    with sqlite3.connect(f"file:{server.directory}/database/holdfast.db?mode=ro", uri=True) as database:
        lines += [f"open intent: {row}" for row in database.execute("SELECT * FROM intents")]
    operations = json.loads(server.lxc.run("query", "/1.0/operations") or "{}")
    lines += [f"operation {status}: {urls}" for status, urls in operations.items() if status in ("running", "pending")]
    return lines


def _settle(server: HoldfastServer) -> None:
    """Wait for what the server removes beside, after a restore for example."""
    operations = json.loads(server.lxc.run("query", "/1.0/operations") or "{}")
    for url in operations.get("running", []):
        server.lxc.run("query", f"{url}/wait?timeout=120", expect=None)  # it may have ended and be gone


def _former_states(server: HoldfastServer, pool: str) -> set[str]:
    with sqlite3.connect(f"file:{server.directory}/database/holdfast.db?mode=ro", uri=True) as database:
        payloads = [json.loads(payload) for (payload,) in database.execute("SELECT payload FROM former_states")]
    return {payload["token"] for payload in payloads if payload["pool"] == pool}


def _bases(server: HoldfastServer, pool: str) -> set[str]:
    with sqlite3.connect(f"file:{server.directory}/database/holdfast.db?mode=ro", uri=True) as database:
        return {token for (token,) in database.execute("SELECT token FROM transfer_bases WHERE pool = ?", (pool,))}


def _volumes(server: HoldfastServer, pool: str, root: Path) -> list[str]:
    path = f"/1.0/storage-pools/{pool}/volumes/custom?recursion=1&all-projects=true"
    recorded = {f"{each['project']}_{each['name']}" for each in json.loads(server.lxc.run("query", path))}
    found = {
        f"{folder.name}/{each.name}" for folder in _children(root / "custom-snapshots") for each in _children(folder)
    }
    lines = _compare(f"{pool}: custom volumes", {name for name in recorded if "/" not in name}, _names(root / "custom"))
    return lines + _compare(f"{pool}: volume snapshots", {name for name in recorded if "/" in name}, found)


def _volume_backups(server: HoldfastServer) -> list[str]:
    with sqlite3.connect(f"file:{server.directory}/database/holdfast.db?mode=ro", uri=True) as database:
        query = (
            "SELECT volumes.pool || '/' || volumes.project || '_' || volumes.name || '/' || volume_backups.name "
            "FROM volume_backups JOIN volumes ON volumes.id = volume_id"
        )
        recorded = {path for (path,) in database.execute(query)}
    root = server.directory / "backups/custom"
    return _compare("volume backups", recorded, {str(file.relative_to(root)) for file in root.glob("*/*/*")})


def _compare(what: str, wanted: set[str], found: set[str]) -> list[str]:
    lines = [f"{what}: {name} has a record and no data" for name in sorted(wanted - found)]
    return lines + [f"{what}: {name} has data and no record" for name in sorted(found - wanted)]


def _names(folder: Path) -> set[str]:
    return {child.name for child in _children(folder)}


def _children(folder: Path) -> list[Path]:
    return sorted(folder.iterdir()) if folder.is_dir() else []
