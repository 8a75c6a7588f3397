"""`holdfast config`: get, set, show and edit what is configured on instances and on the server."""

from __future__ import annotations

from collections.abc import Mapping

import click

from holdfast.cli.editing import edit
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.references import NO_INSTANCE, InstanceReference, InstanceType, parse_settings
from holdfast.cli.session import Session, pass_session
from holdfast.client.instances import NEVER
from holdfast.client.shapes import Instance, Snapshot

TARGET = InstanceType(may_be_empty=True)
TARGET_OR_SNAPSHOT = InstanceType(snapshots=True, may_be_empty=True)
EDIT_HELP = """This is a YAML representation of the configuration.
Lines that begin with # are ignored. Save an unchanged or empty text to leave everything as it is.
Set a key by a line below config, a device by its name below devices."""
SNAPSHOT_EDIT_HELP = """When this snapshot may be removed (the year 1 means never), what it is for, and whether it is
held: nothing removes it then."""
SNAPSHOT_KEYS = ("expires_at", "description", "held")
WRITABLE = ("architecture", "config", "devices", "ephemeral", "profiles", "stateful", "description")


def writable(instance: Instance | Snapshot, *, expanded: bool = False) -> dict[str, object]:
    """Return what can be set on an instance, in the order in which people read it."""
    values: Mapping[str, object] = {**instance}
    shown = {key: values[key] for key in WRITABLE if key in values}
    if expanded:
        shown["config"], shown["devices"] = instance["expanded_config"], instance["expanded_devices"]
    for key in ("config", "devices"):
        entries = shown.get(key)
        if isinstance(entries, dict):
            shown[key] = dict(sorted(entries.items()))
    return shown


@command(
    "get",
    "Show the value of a key, of an instance or (without one) of the server.",
    examples=("holdfast config get web limits.memory", "holdfast config get core.https_address"),
)
@click.argument("words", nargs=-1, required=True, metavar="[INSTANCE[/SNAPSHOT]] KEY")
@click.option("-e", "--expanded", is_flag=True, help="Also look into the profiles")
@pass_session
def get(session: Session, words: tuple[str, ...], expanded: bool) -> None:
    if len(words) > 2:
        raise click.UsageError("Give [INSTANCE] KEY")
    key = words[-1]
    if not key:
        raise click.UsageError("The name of a key is missing: the word is empty")
    target = TARGET_OR_SNAPSHOT.convert(words[0], None, None) if len(words) == 2 else NO_INSTANCE
    if not target.name:
        click.echo(str(session.client.server_info()["config"].get(key, "")))
        return
    found = _read(session, target)
    click.echo((found["expanded_config"] if expanded else found["config"]).get(key, ""))


def _read(session: Session, target: InstanceReference) -> Instance | Snapshot:
    if target.snapshot:
        return session.client.snapshots.get(target.name, target.snapshot)
    return session.client.instances.get(target.name)


@command(
    "set",
    "Set keys of an instance or (without one) of the server.",
    examples=(
        "holdfast config set web limits.memory=1GiB boot.autostart=true",
        "holdfast config set web limits.memory 1GiB",
        "holdfast config set web user.note - < note.txt",
        "holdfast config set backups.compression_algorithm=zstd     # the server's",
    ),
)
@click.argument("words", nargs=-1, required=True, metavar="[INSTANCE] KEY=VALUE...")
@pass_session
def set_keys(session: Session, words: tuple[str, ...]) -> None:
    target, settings = target_and_settings(words)
    if not target.name:
        _change_server(session, settings, ())
        return
    document, etag = session.client.instances.get_with_etag(target.name)
    document["config"] = {**document["config"], **settings}
    session.wait(session.client.instances.update(target.name, writable(document), etag), f"Changing {target}")


def target_and_settings(words: tuple[str, ...]) -> tuple[InstanceReference, dict[str, str]]:
    """Tell `KEY=VALUE...`, `KEY VALUE`, `INSTANCE KEY=VALUE...` and `INSTANCE KEY VALUE` apart.

    A server key holds a dot, which no instance name does.
    """
    first_is_key = "=" in words[0] or ("." in words[0] and len(words) == 2)
    if first_is_key:
        return NO_INSTANCE, parse_settings(words)
    return TARGET.convert(words[0], None, None), parse_settings(words[1:])


@command(
    "unset",
    "Remove keys of an instance or (without one) of the server.",
    examples=("holdfast config unset web limits.memory", "holdfast config unset core.https_address"),
)
@click.argument("words", nargs=-1, required=True, metavar="[INSTANCE] KEY...")
@pass_session
def unset(session: Session, words: tuple[str, ...]) -> None:
    if len(words) == 1:
        if "." not in words[0]:
            raise click.UsageError(f'"{words[0]}" is no key of the server; of an instance: {words[0] or "web"} KEY')
        _change_server(session, {}, words)
        return
    target, keys = TARGET.convert(words[0], None, None), words[1:]
    if not target.name:
        _change_server(session, {}, keys)
        return
    document, etag = session.client.instances.get_with_etag(target.name)
    for key in keys:
        if key not in document["config"]:
            raise click.ClickException(f'"{key}" is not set on {target}')
        del document["config"][key]
    session.wait(session.client.instances.update(target.name, writable(document), etag), f"Changing {target}")


def _change_server(session: Session, settings: Mapping[str, str], removed: tuple[str, ...]) -> None:
    """Set and unset keys; what is unset is sent as empty, so that the server refuses a key that it doesn't know."""
    document, etag = session.client.server_info_with_etag()
    session.client.update_server({**document["config"], **dict.fromkeys(removed, ""), **settings}, etag)


@command(
    "show",
    "Show the configuration of an instance, a snapshot, or (without one) the server as YAML.",
    examples=("holdfast config show web", "holdfast config show web --expanded", "holdfast config show web/snap0"),
)
@click.argument("target", type=TARGET_OR_SNAPSHOT, default=NO_INSTANCE, metavar="[INSTANCE[/SNAPSHOT]]")
@click.option("-e", "--expanded", is_flag=True, help="With what the profiles add")
@pass_session
def show(session: Session, target: InstanceReference, expanded: bool) -> None:
    from holdfast.cli.yaml_text import to_yaml

    if not target.name:
        click.echo(to_yaml({"config": session.client.server_info()["config"]}), nl=False)
        return
    found = _read(session, target)
    shown = writable(found, expanded=expanded)
    if target.snapshot:
        shown = {**_of_snapshot({**found}), **shown}
    click.echo(to_yaml(shown), nl=False)


def _of_snapshot(snapshot: Mapping[str, object]) -> dict[str, object]:
    """Return what can be changed of a snapshot; LXD knows the first of it only."""
    return {"expires_at": NEVER, **{key: snapshot[key] for key in SNAPSHOT_KEYS if key in snapshot}}


@command(
    "edit",
    "Edit the configuration in $EDITOR, or take it from standard input.",
    examples=(
        "holdfast config edit web",
        "holdfast config show web > web.yaml; vi web.yaml; holdfast config edit web < web.yaml",
    ),
)
@click.argument("target", type=TARGET_OR_SNAPSHOT, default=NO_INSTANCE, metavar="[INSTANCE[/SNAPSHOT]]")
@pass_session
def edit_config(session: Session, target: InstanceReference) -> None:
    instances, snapshots = session.client.instances, session.client.snapshots
    if not target.name:
        server, etag = session.client.server_info_with_etag()

        def save_server(document: dict[str, object]) -> None:
            config = document.get("config")
            session.client.update_server(config if isinstance(config, dict) else {}, etag)

        edit({"config": server["config"]}, EDIT_HELP, save_server)
    elif target.snapshot:
        shown = _of_snapshot({**snapshots.get(target.name, target.snapshot)})

        def save_snapshot(document: dict[str, object]) -> None:
            changed = {key: document[key] for key in SNAPSHOT_KEYS if key in document}
            for key, emptied in (("expires_at", NEVER), ("description", "")):
                if key in changed:
                    changed[key] = str(changed[key] or emptied)
            session.wait(snapshots.update(target.name, target.snapshot, changed), f"Changing {target}")

        edit(shown, SNAPSHOT_EDIT_HELP, save_snapshot)
    else:
        instance, etag = instances.get_with_etag(target.name)

        def save_instance(document: dict[str, object]) -> None:
            session.wait(instances.update(target.name, document, etag), f"Changing {target}")

        edit(writable(instance), EDIT_HELP, save_instance)


config = Group(
    "config",
    "Get and set configuration of instances, of their devices, and of the server.",
    {
        "get": Entry(__name__, "get", "Show the value of a key"),
        "set": Entry(__name__, "set_keys", "Set keys"),
        "unset": Entry(__name__, "unset", "Remove keys"),
        "show": Entry(__name__, "show", "Show everything as YAML"),
        "edit": Entry(__name__, "edit_config", "Edit as YAML"),
        "trust": Entry("holdfast.cli.commands.trust", "trust", "Say which clients the server trusts"),
        "device": Entry("holdfast.cli.commands.device", "config_device", "Add, change and remove devices"),
    },
    examples=(
        "holdfast config set web limits.memory=1GiB",
        "holdfast config device add web data disk source=/srv path=/srv",
    ),
)
