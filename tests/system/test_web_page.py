"""`holdfast ui` on a real server: from the command to a browser that is signed in, over restarts."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.browsers import BrowserAtWork, use_token
from support.cli import Cli
from support.holdfast import HoldfastServer, short_directory
from support.https import ask_https
from support.ports import free_port
from support.waiting import await_true

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc")]


@pytest.fixture(scope="module")
def server() -> Iterator[HoldfastServer]:
    directory = short_directory()
    with HoldfastServer(directory / "s", with_pools=False) as made:
        yield made
    shutil.rmtree(directory)


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


def link_of(output: str) -> str:
    (found,) = [line for line in output.splitlines() if line.startswith("https://127.0.0.1")]
    return found


def signed_in(url: str, port: int) -> BrowserAtWork:
    assert ask_https(port, None, "GET", url.partition(f":{port}")[2]).status == 200
    answer = use_token(port, url.partition("?token=")[2])
    assert answer.status == 303
    return BrowserAtWork(port, answer.headers["set-cookie"].partition(";")[0])


def test_a_server_without_address_says_what_to_do(server: HoldfastServer) -> None:
    done = server.holdfast("ui")
    assert (done.returncode, done.stdout) == (1, "")
    assert "holdfast ui --address 127.0.0.1:8443" in done.stderr


def test_a_link_on_the_command_line(server: HoldfastServer, port: int, tmp_path: Path) -> None:
    cli = Cli(server.socket, tmp_path)
    browser = signed_in(link_of(cli.run("ui", "--address", f"127.0.0.1:{port}")), port)
    assert browser.ask("GET", "/1.0").body["metadata"]["auth"] == "trusted"
    assert "already" in server.holdfast("ui", "--address", "127.0.0.1:1").stderr
    (listed,) = json.loads(cli.run("ui", "list", "--format", "json"))
    assert (listed["name"], listed["address"]) == ("Firefox on Linux", "127.0.0.1")
    assert "(everything)" in cli.run("ui", "list")
    cli.run("ui", "revoke", listed["id"])
    assert browser.ask("GET", "/1.0").body["metadata"]["auth"] == "untrusted"
    assert json.loads(cli.run("ui", "list", "--format", "json")) == []


def test_a_browser_for_some_projects(server: HoldfastServer, port: int, tmp_path: Path) -> None:
    cli = Cli(server.socket, tmp_path)
    cli.run("project", "create", "team")
    url = link_of(cli.run("ui", "link", "--restricted", "--projects", "team", "--address", f"127.0.0.1:{port}"))
    browser = signed_in(url, port)
    assert browser.ask("GET", "/1.0/projects").body["metadata"] == ["/1.0/projects/team"]
    assert browser.ask("GET", "/1.0/instances").status == 403
    assert "team" in cli.run("ui", "list")
    cli.run("ui", "revoke", "--all")


def test_browsers_stay_signed_in_over_a_crash_and_links_do_not(
    server: HoldfastServer, port: int, tmp_path: Path
) -> None:
    cli = Cli(server.socket, tmp_path)
    browser = signed_in(link_of(cli.run("ui", "--address", f"127.0.0.1:{port}")), port)
    unused = link_of(cli.run("ui")).partition("?token=")[2]
    server.kill()
    server.start()
    assert browser.ask("GET", "/1.0/ui/session").status == 200
    assert use_token(port, unused).status == 403


def test_threat_the_link_is_in_the_arguments_of_a_process(server: HoldfastServer, port: int, tmp_path: Path) -> None:
    """A browser that is opened gets the name of a file, which only the user can read."""
    seen = tmp_path / "seen"
    browser = tmp_path / "browser"
    browser.write_text(f'#!/bin/sh\nprintf %s "$*" >{seen}.part && mv {seen}.part {seen}\n')
    browser.chmod(0o755)
    conf = tmp_path / "conf"
    done = server.holdfast("ui", "--address", f"127.0.0.1:{port}", HOLDFAST_CONF=str(conf), BROWSER=f"{browser} %s")
    assert done.returncode == 0, done.stderr
    url = link_of(done.stdout)
    await_true(seen.exists, "the browser is opened")
    path = Path(seen.read_text().removeprefix("file://"))
    assert path.parent == conf
    assert "token" not in seen.read_text()
    assert path.stat().st_mode & 0o777 == 0o600
    assert url in path.read_text()
