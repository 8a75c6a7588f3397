"""`holdfast remote`: names for servers elsewhere."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from holdfast.cli.groups import Entry, Group, command
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import yes_or_no

if TYPE_CHECKING:
    from holdfast.client.client import Client
    from holdfast.client.trust import Candidate, Introduction, Token


@command(
    "add",
    "Know a server by a name. ADDRESS is HOST[:PORT], https://HOST[:PORT] or unix://PATH, or a token that "
    "`config trust add` gave there: with it nothing else is asked.",
    examples=(
        "holdfast remote add backup 10.0.0.5",
        "holdfast remote add backup eyJjbGllbnRfbmFtZSI6Im1lIiwiZmluZ2VycHJpbnQiOiI…",
        "holdfast remote add backup 10.0.0.5 --accept-certificate --password secret",
        "holdfast remote add second unix:///srv/second/unix.socket",
    ),
)
@click.argument("name")
@click.argument("address", default="", metavar="ADDRESS|TOKEN")
@click.option("--accept-certificate", is_flag=True, help="Trust the server that answers now, without a question")
@click.option("--password", default="", metavar="WORD", help="The server's password for new clients")
@click.option("--token", "token_text", default="", metavar="TOKEN", help="A token of the server")
@click.option("--protocol", type=click.Choice(["lxd"]), default="lxd", show_default=True, help="What it speaks")
@click.option("--project", "chosen", default="", metavar="NAME", help="Work in this project there")
@pass_session
def add(
    session: Session,
    name: str,
    address: str,
    accept_certificate: bool,
    password: str,
    token_text: str,
    protocol: str,
    chosen: str,
) -> None:
    from holdfast.client.client import Client
    from holdfast.client.connection import Connection
    from holdfast.client.remotes import Remote, address_of
    from holdfast.client.trust import Introduction, find_by_token, is_damaged_token, look_at, parse_token

    del protocol  # there is one
    remotes, name = session.remotes, name.removesuffix(":")
    address = address or name
    remotes.check_new_name(name)
    if address.startswith("unix:"):
        made = Remote(name, address_of(address), chosen or session.given_project)
        _check_project(Client(Connection(remotes.endpoint(made))), made.project)
        remotes.add(made)
        remotes.save()
        return
    if is_damaged_token(token_text or address):
        raise click.ClickException(
            "The token is damaged, a part of it is missing or too much: copy the whole word again"
        )
    token = parse_token(token_text or address)
    if token_text and token is None:
        raise click.UsageError("What --token has is no token")
    says_where = token_text and address != name
    candidate = look_at(address) if token is None or says_where else find_by_token(token)
    _accept(candidate, token, is_accepted=accept_certificate)
    if not remotes.identity_paths[0].exists():
        session.say("Making a certificate for you")
    introduction = Introduction(remotes, candidate)
    if not introduction.is_trusted():
        introduction.present(token.text if token else password or _ask_for_secret(name))
        session.say(f"Client certificate now trusted by server: {name}")
    project = chosen or session.given_project or _project(introduction)
    _check_project(introduction.client, project)
    remotes.add(introduction.remote(name, project), candidate.certificate)
    remotes.save()


def _accept(candidate: Candidate, token: Token | None, *, is_accepted: bool) -> None:
    """Return if the server is the right one: by the token, by the user, or by an authority."""
    if not candidate.certificate or is_accepted:
        return
    if token is not None:
        if candidate.fingerprint != token.fingerprint:
            raise click.ClickException(f"{candidate.url} is not the server that the token is of: don't trust it")
        return
    click.echo(f"Certificate fingerprint: {candidate.fingerprint}", err=True)
    if not sys.stdin.isatty():
        raise click.ClickException(
            "Nobody is there to say whether that is the right one: compare it with what `holdfast info` shows on the "
            "server, then use --accept-certificate"
        )
    answer = click.prompt("Is that the server's? (y/n/[fingerprint])", default="n", show_default=False, err=True)
    if answer.lower() not in ("y", "yes") and answer.lower() != candidate.fingerprint:
        raise click.ClickException("The server's certificate was not accepted")


def _check_project(client: Client, project: str) -> None:
    """Ask the server that answers, and raise unless the project, if one was chosen, is there and may be entered."""
    names = sorted(each["name"] for each in client.projects.list())
    if project and project not in names:
        raise click.ClickException(f'There is no project "{project}" that you may enter there, but {", ".join(names)}')


def _ask_for_secret(name: str) -> str:
    if not sys.stdin.isatty():
        raise click.ClickException(
            f"{name} doesn't know you: give --token (`holdfast config trust add --name YOU` there makes one), "
            "or --password"
        )
    return str(click.prompt(f"Token or password of {name}", hide_input=True, err=True))


def _project(introduction: Introduction) -> str:
    """Return the project to work in: the default one, or the only one that may be entered."""
    names = introduction.projects()
    if "default" in names:
        return "default"
    if len(names) == 1:
        return names[0]
    if not names:
        raise click.ClickException("The server lets you into no project")
    if not sys.stdin.isatty():
        raise click.ClickException(f"Give --project: one of {', '.join(sorted(names))}")
    return str(click.prompt("Project to work in", type=click.Choice(sorted(names)), err=True))


@command("list", "List the servers that you know.", examples=("holdfast remote list",))
@format_option
@pass_session
def list_remotes(session: Session, format_name: str) -> None:
    from holdfast.client.remotes import LOCAL

    remotes = session.remotes
    documents: dict[str, object] = {}
    rows = []
    for remote in remotes.list():
        is_current = remote.name == remotes.default
        kind = "file access" if remote.is_unix else "tls" if remote.protocol == "lxd" else "none"
        rows.append(
            [
                remote.name + (" (current)" if is_current else ""),
                remote.address,
                remote.protocol,
                kind,
                yes_or_no(remote.is_public),
                yes_or_no(remote.name == LOCAL),
                yes_or_no(False),
            ]
        )
        documents[remote.name] = {
            "Addr": remote.address,
            "AuthType": kind,
            "Project": remote.project,
            "Protocol": remote.protocol,
            "Public": remote.is_public,
            "Static": remote.name == LOCAL,
            "Global": False,
        }
    header = ["NAME", "URL", "PROTOCOL", "AUTH TYPE", "PUBLIC", "STATIC", "GLOBAL"]
    click.echo(render(format_name, header, rows, documents), nl=False)


@command("switch", "Mean this server where none is said.", examples=("holdfast remote switch backup",))
@click.argument("name")
@pass_session
def switch(session: Session, name: str) -> None:
    session.remotes.switch(name.removesuffix(":"))
    session.remotes.save()


@command("get-default", "Show which server is meant where none is said.", examples=("holdfast remote get-default",))
@pass_session
def get_default(session: Session) -> None:
    click.echo(session.remotes.default)


@command("rename", "Call a server by another name.", examples=("holdfast remote rename backup second",))
@click.argument("name")
@click.argument("new_name", metavar="NEW-NAME")
@pass_session
def rename(session: Session, name: str, new_name: str) -> None:
    session.remotes.rename(name.removesuffix(":"), new_name.removesuffix(":"))
    session.remotes.save()


@command(
    "remove",
    "Forget a server. It still trusts you; `config trust remove` there ends that.",
    examples=("holdfast remote remove backup",),
)
@click.argument("name")
@pass_session
def remove(session: Session, name: str) -> None:
    session.remotes.remove(name.removesuffix(":"))
    session.remotes.save()


@command(
    "set-url",
    "Look for a server at another address. It must be the same one: its certificate is known.",
    examples=("holdfast remote set-url backup https://10.0.0.6:8443",),
)
@click.argument("name")
@click.argument("address", metavar="ADDRESS")
@pass_session
def set_url(session: Session, name: str, address: str) -> None:
    session.remotes.set_url(name.removesuffix(":"), address)
    session.remotes.save()


remote = Group(
    "remote",
    "Know servers elsewhere by names. A word of the form NAME:INSTANCE then means an instance there.",
    {
        "add": Entry(__name__, "add", "Know a server by a name"),
        "list": Entry(__name__, "list_remotes", "List the servers that you know"),
        "switch": Entry(__name__, "switch", "Mean this server where none is said"),
        "get-default": Entry(__name__, "get_default", "Show which server is meant where none is said"),
        "rename": Entry(__name__, "rename", "Call a server by another name"),
        "remove": Entry(__name__, "remove", "Forget a server"),
        "set-url": Entry(__name__, "set_url", "Look for a server at another address"),
    },
    other_names={"ls": "list", "rm": "remove", "mv": "rename", "set-default": "switch"},
    examples=("holdfast remote add backup 10.0.0.5", "holdfast list backup:"),
)
