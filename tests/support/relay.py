"""Real `lxc` between two servers, each known to it by its unix socket: in mode relay nothing else is needed."""

from __future__ import annotations

from pathlib import Path

from support.lxd import LxcClient


def relaying(home: Path, **sockets: Path) -> LxcClient:
    """Return a client that knows each server as a remote of the given name."""
    client = LxcClient(next(iter(sockets.values())), home)
    remotes = "".join(f"  {name}:\n    addr: unix://{socket}\n" for name, socket in sockets.items())
    (home / "config.yml").write_text(f"default-remote: local\nremotes:\n{remotes}aliases: {{}}\n")
    return client
