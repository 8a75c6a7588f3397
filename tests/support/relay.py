"""Real `lxc` between two servers: by their unix sockets, which is enough for mode relay, or by HTTPS for every mode."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from support.lxd import LxcClient, LxdClient
from support.ports import free_port

PASSWORD = "between servers"


class Listening(Protocol):
    """A server of ours or of theirs."""

    @property
    def lxc(self) -> LxcClient: ...


def relaying(home: Path, *, lxd: tuple[str, ...] = (), **sockets: Path) -> LxcClient:
    """Return a client that knows each server as a remote of the given name, by its unix socket.

    `lxd` are the names of remotes that are a real LXD.
    """
    servers = tuple(sockets.values())
    client = LxdClient(servers[0], home, asked=servers, remotes=lxd) if lxd else LxcClient(servers[0], home)
    remotes = "".join(f"  {name}:\n    addr: unix://{socket}\n" for name, socket in sockets.items())
    (home / "config.yml").write_text(f"default-remote: local\nremotes:\n{remotes}aliases: {{}}\n")
    return client


def add_https(client: LxcClient, **servers: Listening) -> None:
    """Let each server listen at 127.0.0.1, and add it to the client as a remote that trusts it."""
    for name, server in servers.items():
        address = f"127.0.0.1:{free_port()}"
        server.lxc.run("config", "set", f"core.https_address={address}", f"core.trust_password={PASSWORD}")
        client.run("remote", "add", name, f"https://{address}", "--accept-certificate", "--password", PASSWORD)
