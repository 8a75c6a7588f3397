"""What this server announces of LXD's API extensions: each one is a promise that a client acts on.

An extension is here when its behaviour is served in full; the reason says where, or which client asks for it. Left
out on purpose: clustering, networks and their kinds, virtual machines, custom volumes, migration between servers,
remote trust, SFTP, and limits or restrictions of projects. What LXD doesn't have begins with "holdfast_".
"""

from __future__ import annotations

from typing import Final

LXD_VERSION: Final = "5.0.2"
"""The level of LXD's API that is served; clients decide by it."""

_WITH_REASON: Final[dict[str, str]] = {
    "api_filtering": "?filter= on instances, images, volumes; `lxc list` refuses to work without",
    "api_os": "environment has os_name and os_version",
    "backup_compression": "backups.compression_algorithm",
    "backup_compression_algorithm": "compression_algorithm of one export",
    "backup_override_name": "X-LXD-name: `lxc import FILE NAME`",
    "console": "console and its log",
    "console_vga_type": "the type of a console is read, vga refused",
    "container_backup": "exports: `lxc export`, `lxc import`",
    "container_backup_override_pool": "X-LXD-pool: `lxc import -s`",
    "container_copy_project": "copy between projects",
    "container_edit_metadata": "instances/x/metadata",
    "container_exec_recording": "record-output",
    "container_exec_signal_handling": "signals over the control socket",
    "container_exec_user_group_cwd": "user, group, cwd of a command",
    "container_full": "recursion=2 on instances: `lxc list` asks once",
    "container_image_properties": "image.* keys of instances",
    "container_incremental_copy": "refresh of a copy on this server",
    "container_last_used_at": "last_used_at",
    "container_local_cross_pool_handling": "copies between pools",
    "container_only_migration": "instance_only of a copy",
    "container_protection_delete": "security.protection.delete",
    "container_stateless_copy": "copies without running state",
    "directory_manipulation": "directories in the files API: `lxc file push -r`",
    "entity_description": "descriptions",
    "etag": "ETag and If-Match",
    "event_lifecycle": "lifecycle events",
    "event_lifecycle_requestor_address": "address of the requestor",
    "event_location": "location of events",
    "event_project": "project of events",
    "file_append": "X-LXD-write",
    "file_delete": "DELETE of files",
    "file_get_symlink": "symlinks are shown as such",
    "file_symlinks": "symlinks in the files API",
    "id_map_current": "volatile.idmap.current",
    "image_compression_algorithm": "images.compression_algorithm and `lxc publish --compression`",
    "image_create_aliases": "aliases given with an image",
    "image_profiles": "profiles of images",
    "image_types": "type of images",
    "images_expiry": "expires_at of images",
    "instance_all_projects": "all-projects: `lxc list --all-projects`",
    "instance_allow_inconsistent_copy": "allow_inconsistent",
    "instance_bulk_state_change": "PUT /1.0/instances",
    "instance_file_head": "HEAD of files",
    "instance_get_full": "recursion=1 on one instance: `lxc info`",
    "instance_pool_move": "move to another pool",
    "instance_snapshot_never": "@never in snapshots.schedule",
    "instances": "/1.0/instances",
    "kernel_features": "environment",
    "lxc_features": "environment",
    "operation_description": "description of operations",
    "patch": "PATCH",
    "profile_usedby": "used_by of profiles",
    "projects": "projects",
    "resources": "space of pools: `lxc storage info`",
    "server_supported_storage_drivers": "environment",
    "snapshot_expiry": "snapshots.expiry, expires_at",
    "snapshot_expiry_creation": "expires_at of a new snapshot",
    "storage": "storage pools",
    "usedby_consistency": "used_by has whole URLs",
    "holdfast_restore_undo": "snapshots.undo and instances/x/undo; unknown to LXD",
    "holdfast_snapshot_files": "GET and HEAD of instances/x/snapshots/y/files; unknown to LXD",
}

EXTENSIONS: Final = tuple(_WITH_REASON)
