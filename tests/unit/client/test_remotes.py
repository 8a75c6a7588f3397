"""The user's file of remotes: its shape, what changes do, what is refused."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
import yaml

from holdfast.client.endpoints import TlsEndpoint, UnixEndpoint
from holdfast.client.errors import BadAddressError, ClientError
from holdfast.client.remotes import Remote, RemoteError, Remotes, UnknownRemoteError, directory_of
from support.tls_server import server_files

OF_LXC = """\
default-remote: far
remotes:
  far:
    addr: https://10.0.0.5:8443
    auth_type: tls
    project: team
    protocol: lxd
    public: false
  images:
    addr: https://images.example
    protocol: simplestreams
    public: true
  local:
    addr: unix://
    public: false
aliases:
  ll: list
"""


def loaded(directory: Path) -> Remotes:
    return Remotes.load({"HOLDFAST_CONF": str(directory)})


def test_without_a_file_only_this_machine_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOLDFAST_SOCKET", "/x/socket")
    remotes = loaded(tmp_path / "none")
    assert [remote.name for remote in remotes.list()] == ["local"]
    assert remotes.connection("").endpoint == UnixEndpoint("/x/socket")
    assert not (tmp_path / "none").exists(), "looking makes nothing"


def test_file_of_lxc_is_read_and_kept(tmp_path: Path) -> None:
    (tmp_path / "config.yml").write_text(OF_LXC)
    remotes = loaded(tmp_path)
    connection = remotes.connection("")
    assert connection.endpoint == TlsEndpoint("10.0.0.5", 8443)
    assert connection.project == "team"
    assert remotes.connection("far", "other").project == "other"
    remotes.add(Remote("near", "unix:///x"))
    remotes.save()
    kept = yaml.safe_load((tmp_path / "config.yml").read_text())
    before = yaml.safe_load(OF_LXC)
    assert kept["remotes"].pop("near") == {"addr": "unix:///x", "public": False}
    assert kept == before
    assert stat.S_IMODE((tmp_path / "config.yml").stat().st_mode) == 0o600


def test_pinned_certificate_goes_with_the_name(tmp_path: Path) -> None:
    files = server_files(tmp_path)
    remotes = loaded(tmp_path / "conf")
    remotes.add(Remote("a", "https://host:1"), files.pem)
    assert remotes.ensure_identity()
    assert not remotes.ensure_identity()
    endpoint = remotes.connection("a").endpoint
    assert isinstance(endpoint, TlsEndpoint)
    assert endpoint.certificate == files.pem
    assert endpoint.identity is not None
    remotes.rename("a", "b")
    remotes.set_url("b", "host2")
    renamed = remotes.connection("b").endpoint
    assert isinstance(renamed, TlsEndpoint)
    assert (renamed.certificate, renamed.address, renamed.port) == (files.pem, "host2", 8443)
    remotes.remove("b")
    assert list((tmp_path / "conf" / "servercerts").iterdir()) == []


def test_default_follows_its_name_and_can_not_go(tmp_path: Path) -> None:
    remotes = loaded(tmp_path)
    remotes.add(Remote("a", "unix:///a"))
    remotes.switch("a")
    remotes.rename("a", "b")
    assert remotes.default == "b"
    with pytest.raises(RemoteError, match="default one"):
        remotes.remove("b")


@pytest.mark.parametrize("name", ["", "a/b", "../x", "a:b", "..", ".", "a b", "é", "x" * 64])
def test_threat_name_of_a_remote_leads_out(tmp_path: Path, name: str) -> None:
    with pytest.raises(RemoteError, match="can't be a remote's name"):
        loaded(tmp_path).add(Remote(name, "https://host"), "pem")


def test_what_is_refused(tmp_path: Path) -> None:
    remotes = loaded(tmp_path)
    for change in (remotes.remove, lambda name: remotes.rename(name, "x"), lambda name: remotes.set_url(name, "h")):
        with pytest.raises(RemoteError, match="stays as it is"):
            change("local")
    with pytest.raises(UnknownRemoteError, match="holdfast remote add nosuch"):
        remotes.get("nosuch")
    with pytest.raises(RemoteError, match="exists already"):
        remotes.add(Remote("local", "unix://"))
    remotes.add(Remote("a", "https://h"))
    with pytest.raises(BadAddressError):
        remotes.set_url("a", "http://h")
    remotes.add(Remote("images", "https://h", protocol="simplestreams"))
    with pytest.raises(RemoteError, match="speaks simplestreams"):
        remotes.connection("images")


@pytest.mark.parametrize("text", ["[", "- a", "remotes: {a: 1}", "remotes: {a: {protocol: lxd}}"])
def test_broken_files_are_named(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.yml").write_text(text)
    with pytest.raises(ClientError):
        loaded(tmp_path)


def test_key_that_was_lost(tmp_path: Path) -> None:
    remotes = loaded(tmp_path)
    remotes.ensure_identity()
    remotes.identity_paths[1].unlink()
    with pytest.raises(RemoteError, match="bring it back"):
        remotes.ensure_identity()


def test_directory() -> None:
    assert directory_of({"HOME": "/h"}) == Path("/h/.config/holdfast")
    assert directory_of({"HOME": "/h", "XDG_CONFIG_HOME": "/c"}) == Path("/c/holdfast")
    assert directory_of({"HOLDFAST_CONF": "/f"}) == Path("/f")
