"""`holdfast config trust`: which clients a server trusts."""

from __future__ import annotations

from pathlib import Path

import click

from holdfast.cli.editing import edit
from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.references import NAME, remote_argument, strip_remote
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import format_time, natural_key
from holdfast.client.shapes import TrustedCertificate

EDIT_HELP = """This is a YAML representation of a certificate.
Lines that begin with # are ignored. Only name, restricted and projects can be changed:
a restricted client may work in its projects and sees nothing else."""
_SHOWN = ("name", "type", "restricted", "projects", "fingerprint", "certificate")
_PRINT = "9f923d460b32"


@command(
    "add",
    "Trust a client: by its certificate (a .crt file), or without one by a token, which is printed and is good for "
    "one client. Restricted clients may work in the projects that are given and see nothing else.",
    examples=(
        "holdfast config trust add --name laptop",
        "holdfast config trust add --name tenant --restricted --projects team,lab",
        "holdfast config trust add ~/.config/holdfast/client.crt --name laptop",
        "holdfast config trust add backup: --name laptop",
    ),
)
@click.argument("words", nargs=-1, metavar="[REMOTE:] [FILE]")
@click.option("--name", default="", metavar="NAME", help="Call the client so")
@click.option("--restricted", is_flag=True, help="Let it work in the given projects only")
@click.option("--projects", default="", metavar="NAME[,NAME...]", help="The projects of a restricted client")
@click.option("--type", "kind", type=click.Choice(["client", "metrics"]), default="client", show_default=True)
@pass_session
def add(session: Session, words: tuple[str, ...], name: str, restricted: bool, projects: str, kind: str) -> None:
    files = [word for word in words if not (word.endswith(":") and strip_remote(word) == "")]
    if len(files) > 1:
        raise click.UsageError("Give one certificate, or none for a token")
    wanted = [project.strip() for project in projects.split(",") if project.strip()]
    if wanted and not restricted:
        raise click.UsageError("--projects goes with --restricted")
    trusted = session.client.certificates
    if files:
        path = Path(files[0])
        _check_file(path)
        name = name or path.name.removesuffix(".crt")
        trusted.add(path.read_text(), name, kind=kind, restricted=restricted, projects=wanted)
        return
    if not name:
        raise click.UsageError("Give --name for the client that the token is for, or a certificate")
    token = trusted.issue_token(name, kind=kind, restricted=restricted, projects=wanted)
    session.say(f"Client {name} certificate add token:")
    click.echo(token)


def _check_file(path: Path) -> None:
    if not path.is_file():
        raise click.ClickException(f"{path} is no file")
    text = path.read_text(errors="replace")
    if "PRIVATE KEY" in text:
        raise click.ClickException(f"{path} holds a private key: give the certificate, and keep the key to yourself")
    if "BEGIN CERTIFICATE" not in text:
        raise click.ClickException(f"{path} is no certificate (PEM)")


@command("list", "List the clients that are trusted.", examples=("holdfast config trust list",))
@remote_argument
@format_option
@pass_session
def list_trusted(session: Session, format_name: str) -> None:
    found = sorted(session.client.certificates.list(), key=lambda each: natural_key(each["name"]))
    header = ["TYPE", "NAME", "COMMON NAME", "FINGERPRINT", "ISSUE DATE", "EXPIRY DATE"]
    click.echo(render(format_name, header, [_row(each) for each in found], found), nl=False)


def _row(trusted: TrustedCertificate) -> list[str]:
    from holdfast.client.own_certificate import facts_of

    facts = facts_of(trusted["certificate"])
    return [
        trusted["type"],
        trusted["name"],
        facts.common_name,
        trusted["fingerprint"][:12],
        f"{facts.valid_from.astimezone():%Y/%m/%d %H:%M %Z}",
        f"{facts.valid_until.astimezone():%Y/%m/%d %H:%M %Z}",
    ]


@command("list-tokens", "List the tokens that nobody has used yet.", examples=("holdfast config trust list-tokens",))
@remote_argument
@format_option
@pass_session
def list_tokens(session: Session, format_name: str) -> None:
    from holdfast.client.certificates import token_name, token_text

    found = sorted(session.client.certificates.tokens(), key=lambda each: natural_key(token_name(each)))
    rows = [
        [
            token_name(each),
            token_text(each),
            format_time(str((each["metadata"] or {}).get("expiresAt") or "")),
        ]
        for each in found
    ]
    click.echo(render(format_name, ["NAME", "TOKEN", "EXPIRES AT"], rows, found), nl=False)


@command(
    "revoke-token",
    "Let a token be good for nobody.",
    examples=("holdfast config trust revoke-token laptop",),
)
@click.argument("name", type=NAME)
@pass_session
def revoke_token(session: Session, name: str) -> None:
    from holdfast.client.certificates import token_name

    found = [each["id"] for each in session.client.certificates.tokens() if token_name(each) == name]
    if not found:
        raise click.ClickException(f'There is no token for "{name}"')
    for operation_id in found:
        session.client.operations.cancel(operation_id)
    session.say(f"Token for {name} revoked")


@command("show", "Show a trusted client as YAML.", examples=(f"holdfast config trust show {_PRINT}",))
@click.argument("fingerprint", type=NAME)
@pass_session
def show(session: Session, fingerprint: str) -> None:
    from holdfast.cli.yaml_text import to_yaml

    found, _ = session.client.certificates.get_with_etag(fingerprint)
    values: dict[str, object] = {**found}
    click.echo(to_yaml({key: values[key] for key in _SHOWN if key in values}), nl=False)


@command(
    "edit",
    "Edit a trusted client in $EDITOR, or take it from standard input.",
    examples=(f"holdfast config trust edit {_PRINT}",),
)
@click.argument("fingerprint", type=NAME)
@pass_session
def edit_trusted(session: Session, fingerprint: str) -> None:
    found, etag = session.client.certificates.get_with_etag(fingerprint)
    values: dict[str, object] = {**found}

    def save(document: dict[str, object]) -> None:
        session.client.certificates.update(found["fingerprint"], {"certificate": "", **document}, etag)

    edit({key: values[key] for key in ("name", "type", "restricted", "projects")}, EDIT_HELP, save)


@command("remove", "Trust a client no more.", examples=(f"holdfast config trust remove {_PRINT}",))
@click.argument("fingerprint", type=NAME)
@pass_session
def remove(session: Session, fingerprint: str) -> None:
    found, _ = session.client.certificates.get_with_etag(fingerprint)
    session.client.certificates.delete(found["fingerprint"])
    session.say(f"{found['name']} ({found['fingerprint'][:12]}) is not trusted any more")


trust = Group(
    "trust",
    "Say which clients the server trusts. Clients on this machine need none of it.",
    {
        "add": Entry(__name__, "add", "Trust a client, or make a token for one"),
        "list": Entry(__name__, "list_trusted", "List the clients that are trusted"),
        "list-tokens": Entry(__name__, "list_tokens", "List the tokens that nobody has used yet"),
        "revoke-token": Entry(__name__, "revoke_token", "Let a token be good for nobody"),
        "show": Entry(__name__, "show", "Show a trusted client as YAML"),
        "edit": Entry(__name__, "edit_trusted", "Edit a trusted client as YAML"),
        "remove": Entry(__name__, "remove", "Trust a client no more"),
    },
    other_names={"ls": "list", "rm": "remove"},
    examples=("holdfast config trust add --name laptop", "holdfast config trust list"),
)
