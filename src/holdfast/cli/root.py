"""The commands of `holdfast`, and where each is: none is loaded before it is called."""

from __future__ import annotations

import click

from holdfast.cli.groups import Entry, Group

_COMMANDS = "holdfast.cli.commands"


def _entry(module: str, attribute: str, summary: str) -> Entry:
    return Entry(f"{_COMMANDS}.{module}", attribute, summary)


ROOT = Group(
    "holdfast",
    "Keeps system containers, and keeps them safe. Virtual machines can't be made by this server yet.\n\n"
    "The words are those of `lxc`. Every command has examples: `holdfast COMMAND --help`.",
    {
        "launch": _entry("launch", "launch", "Create an instance from an image and start it"),
        "init": _entry("launch", "init", "Create an instance from an image"),
        "list": _entry("list", "list_instances", "List instances"),
        "info": _entry("info", "info", "Show an instance, or the server"),
        "start": _entry("power", "start", "Start instances"),
        "stop": _entry("power", "stop", "Stop instances"),
        "restart": _entry("power", "restart", "Restart instances"),
        "pause": _entry("power", "pause", "Freeze instances; `start` thaws them"),
        "delete": _entry("delete", "delete", "Delete instances and snapshots"),
        "rename": _entry("rename", "rename", "Rename an instance or a snapshot"),
        "config": _entry("config", "config", "Get and set configuration of instances and of the server"),
        "profile": _entry("profile", "profile", "Manage profiles"),
        "storage": _entry("storage", "storage", "Manage storage pools and volumes"),
        "image": _entry("image", "image", "Manage images"),
        "exec": _entry("exec", "exec_command", "Run a command in an instance"),
        "file": _entry("file", "file", "Read and write files in an instance"),
        "console": _entry("console", "console", "Attach to an instance's console, or show its log"),
        "snapshot": _entry("snapshot_group", "snapshot", "Take, list, explain and hold snapshots of an instance"),
        "schedule": _entry("schedule", "schedule", "See when snapshots are made by themselves"),
        "restore": _entry("snapshot", "restore", "Put an instance back to a snapshot"),
        "export": _entry("export", "export", "Save an instance with its snapshots to a file"),
        "import": _entry("import_file", "import_file", "Make an instance of an export file"),
        "backup": _entry("backup", "backup", "Check, try and look into export files"),
        "backup-server": _entry("backup_server", "backup_server", "Keep copies of another server's instances here"),
        "copy": _entry("copy", "copy", "Copy an instance or a snapshot"),
        "move": _entry("copy", "move", "Rename an instance, or move it to another pool or project"),
        "publish": _entry("publish", "publish", "Make an image of an instance or a snapshot"),
        "operation": _entry("operation", "operation", "List, show and cancel background work"),
        "warning": _entry("warning", "warning", "List, show and acknowledge warnings"),
        "ui": _entry("ui", "ui", "Open the web page, and see which browsers are signed in"),
        "monitor": _entry("monitor", "monitor", "Show what happens on the server, as it happens"),
        "remote": _entry("remote", "remote", "Know servers elsewhere by names"),
        "query": _entry("query", "query", "Send a request to the API as it stands"),
        "version": _entry("version", "version", "Show the versions of the client and the server"),
        "project": _entry("project", "project", "Manage projects"),
        "completion": _entry("completion", "completion", "Write the completion script of a shell"),
        "waitready": _entry("waitready", "waitready", "Wait until the server answers"),
        "server": Entry("holdfast.cli.server_command", "server", "Run the server (as root)"),
    },
    other_names={"ls": "list", "rm": "delete", "cp": "copy", "mv": "move"},
    examples=(
        "# have an image made, run a container from it, look inside",
        "holdfast image build debian/12 --alias debian/12",
        "holdfast launch debian/12 web",
        "holdfast exec web -- bash",
        "",
        "# keep it safe",
        "holdfast snapshot web before-upgrade",
        "holdfast restore web before-upgrade",
        "holdfast export web web.tar.gz",
    ),
)
ROOT.params.append(
    click.Option(
        ["--version"],
        is_flag=True,
        expose_value=False,
        is_eager=True,
        help="Show the version and exit",
        callback=lambda context, _, value: _show_version(context, value),
    )
)


def _show_version(context: click.Context, wanted: bool) -> None:
    if wanted:
        from holdfast import __version__

        click.echo(f"holdfast {__version__}")
        context.exit()
