"""`holdfast ui`: the web page of a server, and the browsers that may look at it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from holdfast.cli.groups import Entry, command
from holdfast.cli.implied import ImpliedGroup
from holdfast.cli.naming import about
from holdfast.cli.opening import can_open, open_in_browser
from holdfast.cli.references import NAME, remote_argument
from holdfast.cli.session import Session, pass_session
from holdfast.cli.tables import format_option, render
from holdfast.cli.units import format_time

_ADDRESS_KEY = "core.https_address"
_ID = "5f2c91d04ab7e613"


@command(
    "link",
    "Print a link that signs a browser in to the web page, and open it where there is a desktop. The link is good for "
    "one browser and ten minutes. The server must be set to an address that the browser reaches.",
    examples=(
        "holdfast ui",
        "holdfast ui --address 127.0.0.1:8443      # set that first, where the server has no address yet",
        "holdfast ui link --restricted --projects team      # for somebody who is to see that project only",
        "holdfast ui backup: --no-open",
    ),
)
@remote_argument
@click.option("--restricted", is_flag=True, help="Let the browser work in the given projects only")
@click.option("--projects", default="", metavar="NAME[,NAME...]", help="The projects of a restricted browser")
@click.option("--address", default="", metavar="HOST:PORT", help="Have the server listen there, if it has no address")
@click.option("--no-open", is_flag=True, help="Only print the link")
@pass_session
def link(session: Session, restricted: bool, projects: str, address: str, no_open: bool) -> None:
    wanted = [project.strip() for project in projects.split(",") if project.strip()]
    if wanted and not restricted:
        raise click.UsageError("--projects goes with --restricted")
    if address:
        _listen(session, address)
    made = session.client.web_page.make_link(restricted=restricted, projects=wanted)
    fingerprint = str(session.client.server_info()["environment"].get("certificate_fingerprint", ""))
    session.say(
        "The browser may warn that nobody vouches for the certificate of the server, which it has made itself. "
        f"It is the right one if its SHA-256 is\n{_grouped(fingerprint)}"
    )
    if made["other_urls"]:
        session.say("By the other addresses of the server:\n" + "\n".join(made["other_urls"]))
    session.say("This link signs one browser in, within ten minutes:")
    click.echo(made["url"])
    if not no_open and can_open(os.environ):
        open_in_browser(made["url"], Path(session.remotes.directory))


def _listen(session: Session, address: str) -> None:
    """Set the server's address, if it has none: a change would take it away from everybody who uses the one it has."""
    document, etag = session.client.server_info_with_etag()
    before = str(document["config"].get(_ADDRESS_KEY) or "")
    if before == address:
        return
    if before:
        raise click.ClickException(
            f"The server listens on {before} already: leave --address out, or change it for everybody by "
            f"`holdfast config set {_ADDRESS_KEY}={address}`"
        )
    session.client.update_server({**document["config"], _ADDRESS_KEY: address}, etag)


def _grouped(fingerprint: str) -> str:
    """Write a fingerprint as browsers show it."""
    return ":".join(fingerprint[begin : begin + 2] for begin in range(0, len(fingerprint), 2)).upper()


@command("list", "List the browsers that are signed in.", examples=("holdfast ui list",))
@remote_argument
@format_option
@pass_session
def list_browsers(session: Session, format_name: str) -> None:
    found = session.client.web_page.browsers()
    rows = [
        [
            each["id"],
            each["name"],
            each["address"],
            ", ".join(each["projects"]) if each["restricted"] else "(everything)",
            format_time(each["created_at"]),
            format_time(each["last_seen_at"]),
            format_time(each["expires_at"]),
        ]
        for each in found
    ]
    header = ["ID", "BROWSER", "ADDRESS", "PROJECTS", "SIGNED IN", "LAST SEEN", "SIGNED OUT AT"]
    click.echo(render(format_name, header, rows, found), nl=False)


@command(
    "revoke",
    "Sign browsers out. What they have open ends, and they need a new link.",
    examples=(f"holdfast ui revoke {_ID}", "holdfast ui revoke --all"),
)
@click.argument("browser_ids", nargs=-1, type=NAME, metavar="[ID...]")
@click.option("-a", "--all", "is_all", is_flag=True, help="Sign out all browsers")
@pass_session
def revoke(session: Session, browser_ids: tuple[str, ...], is_all: bool) -> None:
    if is_all == bool(browser_ids):
        raise click.UsageError("Give IDs of `holdfast ui list`, or --all")
    for browser_id in browser_ids or [each["id"] for each in session.client.web_page.browsers()]:
        with about(browser_id):
            session.client.web_page.sign_out(browser_id)
        session.say(f"Browser {browser_id} signed out")


ui = ImpliedGroup(
    "ui",
    "Open the web page of a server, and say which browsers may look at it.\n\n"
    "`holdfast ui` alone is `holdfast ui link`.",
    {
        "link": Entry(__name__, "link", "Print and open a link that signs a browser in (need not be said)"),
        "list": Entry(__name__, "list_browsers", "List the browsers that are signed in"),
        "revoke": Entry(__name__, "revoke", "Sign browsers out"),
    },
    implied="link",
    is_implied_alone=True,
    examples=("holdfast ui", "holdfast ui list", f"holdfast ui revoke {_ID}"),
)
