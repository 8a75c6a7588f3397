"""`holdfast backup`: what is in export files, and whether they are good."""

from __future__ import annotations

from holdfast.cli.groups import Entry, Group

_FILES = "holdfast.cli.commands.backup_files"

backup = Group(
    "backup",
    "Look into export files, check them and try them. Only `test` and `stored` need a server.",
    {
        "verify": Entry(_FILES, "verify", "Check that a file is whole, and show what is in it"),
        "list": Entry(_FILES, "list_files", "List the files in an export"),
        "extract": Entry(_FILES, "extract", "Take single files out of an export"),
        "test": Entry("holdfast.cli.commands.backup_test", "test_backup", "Start an export under another name, to see"),
        "stored": Entry("holdfast.cli.commands.backup_stored", "stored", "Export files that the server keeps"),
    },
    examples=("holdfast backup verify web.tar.gz", "holdfast backup extract web.tar.gz etc/fstab --to found"),
)
