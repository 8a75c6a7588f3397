"""`holdfast publish`: make an image of an instance or a snapshot."""

from __future__ import annotations

import click

from holdfast.cli.commands.image_transfer import look_at_names
from holdfast.cli.groups import command
from holdfast.cli.references import INSTANCE_OR_SNAPSHOT, InstanceReference, parse_pairs, strip_remote
from holdfast.cli.session import Session, pass_session
from holdfast.cli.units import future_time


@command(
    "publish",
    "Make an image of a stopped instance or of a snapshot. KEY=VALUE words become its properties.",
    examples=(
        "holdfast publish web/golden --alias web-golden description='Web server, ready'",
        "holdfast publish web --force --alias web-now    # stopped for it, then started again",
    ),
)
@click.argument("source", type=INSTANCE_OR_SNAPSHOT, metavar="INSTANCE[/SNAPSHOT]")
@click.argument("words", nargs=-1, metavar="[KEY=VALUE...]")
@click.option("--alias", "aliases", multiple=True, metavar="NAME", help="Name the image (may be repeated)")
@click.option("--public", is_flag=True, help="Let clients that are not trusted have it")
@click.option("--compression", default="", metavar="NAME", help="gzip, zstd, none, …  [default: the server's]")
@click.option("--expire", default="", metavar="TIME", help="Delete the image at this time (RFC 3339)")
@click.option("--reuse", is_flag=True, help="Take the alias from the image that has it")
@click.option("-f", "--force", is_flag=True, help="Stop a running instance for it, and start it again")
@pass_session
def publish(
    session: Session,
    source: InstanceReference,
    words: tuple[str, ...],
    aliases: tuple[str, ...],
    public: bool,
    compression: str,
    expire: str,
    reuse: bool,
    force: bool,
) -> None:
    expires_at = future_time(expire) if expire else ""
    settings = [word for word in words if not (word.endswith(":") and strip_remote(word) == "")]
    names = look_at_names(session, aliases, reuse=reuse)
    request: dict[str, object] = {
        "public": public,
        "auto_update": False,
        "properties": parse_pairs(settings) or None,
        "source": {"type": "snapshot" if source.snapshot else "instance", "name": str(source)},
        "compression_algorithm": compression,
        "aliases": names.entries,
    }
    if expires_at:
        request["expires_at"] = expires_at
    must_restart = _stop_if_needed(session, source, is_forced=force)
    try:
        operation = session.client.images.create(request)
        session.wait(operation, f"Publishing {source}")
    finally:
        if must_restart:
            session.wait(session.client.instances.change_state(source.name, "start"), f"Starting {source.name}")
    fingerprint = str(operation.results()["fingerprint"])
    names.give(fingerprint)
    session.say(f"Instance published with fingerprint: {fingerprint}")


def _stop_if_needed(session: Session, source: InstanceReference, *, is_forced: bool) -> bool:
    """Stop a running instance that is published as it is; tell whether it must be started again."""
    if source.snapshot:
        return False
    found = session.client.instances.get(source.name)
    if found["status"] == "Stopped":
        return False
    if not is_forced:
        raise click.ClickException(f"{source.name} is running: publish a snapshot of it, stop it first, or use --force")
    if found["ephemeral"]:
        raise click.ClickException(f"{source.name} is ephemeral: it would be gone when it is stopped")
    session.wait(session.client.instances.change_state(source.name, "stop", force=True), f"Stopping {source.name}")
    return True
