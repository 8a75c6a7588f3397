"""Every page of the web page, and things on the server so that something stands on each."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

from holdfast.db import warnings as warnings_table
from holdfast.db.database import Database, sqlite_url
from holdfast.model.warning import SCHEDULE_FAILED, WarningRecord
from holdfast.service.paths import Paths
from support.holdfast import HoldfastServer

EVIL = "<img src=x onerror=document.title='broken'>"

PAGES = (
    "/",
    "/instances",
    "/instances/plain",
    "/instances/plain/snapshots",
    "/instances/plain/snapshots/files?path=/root",
    "/instances/plain/snapshots/files/kept",
    "/instances/plain/snapshots/files/with-file?path=/root",
    "/instances/plain/snapshots/compare?from=kept",
    "/instances/plain/configuration",
    "/instances/plain/configuration/all",
    "/instances/plain/configuration/yaml",
    "/instances/plain/exports",
    "/instances/plain/copies",
    "/instances/plain/console",
    "/instances/plain/logs",
    "/volumes",
    "/volumes/bt/box",
    "/volumes/bt/box/snapshots",
    "/volumes/bt/box/snapshots/compare?from=kept",
    "/volumes/bt/box/snapshots/files",
    "/volumes/bt/box/snapshots/files/kept",
    "/volumes/bt/box/configuration",
    "/volumes/bt/box/configuration/all",
    "/volumes/bt/box/exports",
    "/images",
    "/pools",
    "/pools/bt",
    "/pools/bt/settings",
    "/pools/bt/yaml",
    "/profiles",
    "/profiles/default",
    "/profiles/default/settings",
    "/profiles/default/devices",
    "/profiles/default/yaml",
    "/profiles/default/used-by",
    "/projects",
    "/projects/default",
    "/projects/default/settings",
    "/projects/default/yaml",
    "/operations",
    "/warnings",
    "/servers",
    "/settings",
    "/settings/certificates",
    "/settings/tokens",
    "/settings/browsers",
    "/no-such-page",
)

_EXPORT = json.dumps({"name": "on-the-server", "compression_algorithm": "none"})
_EXPORTED = ("instances/plain", "storage-pools/bt/volumes/custom/box")


def make_things(server: HoldfastServer) -> None:
    """Make something for each page, with HTML wherever the server lets one write what one likes."""
    for command in (
        ("launch", "busybox", "plain", "-c", f"user.note={EVIL}"),
        ("snapshot", "create", "plain", "kept", "--description", EVIL),
        ("storage", "volume", "create", "bt", "box", "--description", EVIL),
        ("storage", "volume", "snapshot", "bt", "box", "kept", "--description", EVIL),
        ("profile", "create", "note"),
        ("profile", "set", "note", f"user.note={EVIL}"),
        ("config", "trust", "add", "--name", EVIL),
        ("exec", "plain", "--", "sh", "-c", f'echo x > "/root/{EVIL}"'),
        ("snapshot", "create", "plain", "with-file"),
        ("restore", "plain", "with-file"),
        ("storage", "volume", "attach", "bt", "box", "plain", "/box"),
        *(("query", "--wait", "-X", "POST", "-d", _EXPORT, f"/1.0/{path}/backups") for path in _EXPORTED),
    ):
        done = server.holdfast(*command)
        assert done.returncode == 0, f"{command}: {done.stderr}"
    described = json.dumps({"description": EVIL})
    for path in ("/1.0/instances/plain", "/1.0/profiles/note", "/1.0/projects/default", "/1.0/storage-pools/bt"):
        assert server.holdfast("query", "--wait", "-X", "PATCH", "-d", described, path).returncode == 0


def warn(server: HoldfastServer, entity: str) -> None:
    """Have it find something wrong: nothing that one can do from outside does that at once."""
    now = datetime.now(UTC)
    warning = WarningRecord(
        id=str(uuid.uuid4()),
        project="default",
        kind=SCHEDULE_FAILED,
        entity=entity,
        message="no space left",
        first_seen_at=now,
        last_seen_at=now,
    )
    database = Database(sqlite_url(Paths(server.directory).database))
    with database.write() as connection:
        warnings_table.insert(connection, warning)
    database.close()
