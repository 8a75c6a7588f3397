"""The servers that a user knows: names for them, kept with their certificates as `lxc` keeps its own.

~/.config/holdfast/config.yml           names, addresses, which one is meant where none is said
~/.config/holdfast/client.crt, .key     the user's own certificate, made at its first use
~/.config/holdfast/servercerts/NAME.crt what the server NAME must show
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from holdfast.client.connection import Connection
from holdfast.client.endpoints import Endpoint, endpoint_of
from holdfast.client.errors import ClientError

LOCAL: Final = "local"
"""The server of this machine, which is always there."""
PROTOCOL: Final = "lxd"
_NAME: Final = re.compile(r"[A-Za-z0-9_.-]{1,63}", re.ASCII)


class RemoteError(ClientError):
    """Something about remotes can't be done; the text says what and why."""


class UnknownRemoteError(RemoteError):
    """No server of that name is known."""

    def __init__(self, name: str) -> None:
        super().__init__(f'Remote "{name}" is not known: `holdfast remote add {name} ADDRESS` makes it so')


@dataclass(frozen=True)
class Remote:
    """One server. `others` holds what the file says and this version doesn't know."""

    name: str
    address: str
    project: str = ""
    protocol: str = PROTOCOL
    is_public: bool = False
    others: Mapping[str, object] | None = None

    @property
    def is_unix(self) -> bool:
        return self.address.startswith("unix:")


class Remotes:
    """The file of one user. Changes are written by `save`; each is whole or not at all."""

    def __init__(self, directory: Path, document: Mapping[str, object] | None = None) -> None:
        self.directory = directory
        self._document = dict(document or {})
        found = self._document.get("remotes")
        entries = found if isinstance(found, dict) else {}
        self._remotes = {str(name): _remote(str(name), entry) for name, entry in entries.items()}
        self._remotes.setdefault(LOCAL, Remote(LOCAL, "unix://"))

    @classmethod
    def load(cls, environment: Mapping[str, str] = os.environ) -> Remotes:
        """Read the file of HOLDFAST_CONF or ~/.config/holdfast; without one only this machine's server is known."""
        directory = directory_of(environment)
        path = directory / "config.yml"
        try:
            text = path.read_text()
        except FileNotFoundError:
            return cls(directory)
        except OSError as error:
            raise RemoteError(f"{path} can't be read: {error.strerror}") from error
        import yaml

        try:
            document = yaml.load(text, Loader=yaml.CSafeLoader) or {}
        except yaml.YAMLError as error:
            raise RemoteError(f"{path} is not readable as YAML: {' '.join(str(error).split())}") from error
        if not isinstance(document, dict):
            raise RemoteError(f"{path} is no list of remotes")
        return cls(directory, document)

    # --- looking --------------------------------------------------------------------------------------------------

    @property
    def default(self) -> str:
        """The name that is meant where none is said."""
        return str(self._document.get("default-remote") or LOCAL)

    def list(self) -> list[Remote]:
        """Return all, by name."""
        return sorted(self._remotes.values(), key=lambda remote: remote.name)

    def get(self, name: str) -> Remote:
        """Return one, the default one for no name."""
        wanted = name or self.default
        if wanted not in self._remotes:
            raise UnknownRemoteError(wanted)
        return self._remotes[wanted]

    def knows(self, name: str) -> bool:
        return name in self._remotes

    def connection(self, name: str, project: str = "") -> Connection:
        """Return a connection to a server, in the project that was given or that the remote has."""
        remote = self.get(name)
        return Connection(self.endpoint(remote), project or remote.project or "default")

    def endpoint(self, remote: Remote) -> Endpoint:
        """Return where the server answers, with the certificates of both sides."""
        if remote.protocol != PROTOCOL:
            raise RemoteError(
                f'Remote "{remote.name}" speaks {remote.protocol}, and only {PROTOCOL} is spoken here: download the '
                "image and use `holdfast image import`"
            )
        if remote.is_unix:
            return endpoint_of(remote.address)
        from holdfast.client.tls import Identity

        pinned = self.pin_path(remote.name)
        identity = Identity(*self.identity_paths)
        return endpoint_of(
            remote.address,
            certificate=pinned.read_text() if pinned.exists() else "",
            identity=identity if identity.certificate_path.exists() else None,
        )

    def pin_path(self, name: str) -> Path:
        """Return where the certificate that a server must show is kept."""
        return self.directory / "servercerts" / f"{name}.crt"

    @property
    def identity_paths(self) -> tuple[Path, Path]:
        """Where the user's own certificate and its key are."""
        return self.directory / "client.crt", self.directory / "client.key"

    # --- changing -------------------------------------------------------------------------------------------------

    def ensure_identity(self) -> bool:
        """Make the user's own certificate if there is none; tell whether it was made."""
        certificate, key = self.identity_paths
        if certificate.exists() and key.exists():
            return False
        if certificate.exists() != key.exists() and certificate.exists():
            raise RemoteError(f"{certificate} is there and its key {key} is not: bring it back, or remove both")
        from holdfast.client.own_certificate import make_client_certificate, write_certificate

        write_certificate(certificate, key, make_client_certificate())
        return True

    def add(self, remote: Remote, certificate: str = "") -> None:
        """Know a server by this name, and by the certificate that it must show."""
        self.check_new_name(remote.name)
        self._remotes[remote.name] = remote
        if certificate:
            from holdfast.client.own_certificate import write_file

            path = self.pin_path(remote.name)
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_file(path, certificate.encode(), 0o644)

    def rename(self, name: str, new_name: str) -> None:
        """Call a server by another name."""
        remote = self._changeable(name)
        self.check_new_name(new_name)
        pinned = self.pin_path(name)
        if pinned.exists():
            os.rename(pinned, self.pin_path(new_name))
        del self._remotes[name]
        self._remotes[new_name] = replace(remote, name=new_name)
        if self.default == name:
            self._document["default-remote"] = new_name

    def remove(self, name: str) -> None:
        """Forget a server."""
        self._changeable(name)
        if self.default == name:
            raise RemoteError(f'Remote "{name}" is the default one: `holdfast remote switch` to another one first')
        del self._remotes[name]
        self.pin_path(name).unlink(missing_ok=True)

    def set_url(self, name: str, address: str) -> None:
        """Look for a server at another address; it must show the certificate that it had."""
        remote = self._changeable(name)
        endpoint_of(address)  # raises for what is no address
        self._remotes[name] = replace(remote, address=address_of(address))

    def switch(self, name: str) -> None:
        """Mean this server where none is said."""
        self.get(name)
        self._document["default-remote"] = name

    def save(self) -> None:
        """Write the file."""
        import yaml

        from holdfast.client.own_certificate import write_file

        document = {
            **self._document,
            "default-remote": self.default,
            "remotes": {remote.name: _entry(remote) for remote in self.list()},
        }
        document.setdefault("aliases", {})
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        text = yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False, allow_unicode=True)
        write_file(self.directory / "config.yml", text.encode(), 0o600)

    def check_new_name(self, name: str) -> None:
        """Raise unless a server can be called so."""
        if not _NAME.fullmatch(name) or name in (".", ".."):
            raise RemoteError(f"\"{name}\" can't be a remote's name: letters, digits, and . _ - are")
        if name in self._remotes:
            raise RemoteError(f'Remote "{name}" exists already')

    def _changeable(self, name: str) -> Remote:
        remote = self.get(name)
        if name == LOCAL:
            raise RemoteError(f'Remote "{LOCAL}" is the server of this machine, and stays as it is')
        return remote


def directory_of(environment: Mapping[str, str]) -> Path:
    """Return where the user's remotes are kept."""
    if given := environment.get("HOLDFAST_CONF"):
        return Path(given)
    if base := environment.get("XDG_CONFIG_HOME"):
        return Path(base) / "holdfast"
    return Path(environment.get("HOME") or os.path.expanduser("~")) / ".config" / "holdfast"


def address_of(text: str) -> str:
    """Return an address as it is kept: `https://HOST:PORT` or `unix://PATH`."""
    endpoint = endpoint_of(text)
    return "unix://" if text in ("unix:", "unix://") else endpoint.url


def _remote(name: str, entry: object) -> Remote:
    if not isinstance(entry, dict) or not isinstance(entry.get("addr"), str):
        raise RemoteError(f'Remote "{name}" has no address (`addr`)')
    known = ("addr", "project", "protocol", "public")
    return Remote(
        name=name,
        address=entry["addr"],
        project=str(entry.get("project") or ""),
        protocol=str(entry.get("protocol") or PROTOCOL),
        is_public=entry.get("public") is True,
        others={str(key): value for key, value in entry.items() if key not in known},
    )


def _entry(remote: Remote) -> dict[str, object]:
    entry: dict[str, object] = {"addr": remote.address, **(remote.others or {})}
    if remote.project:
        entry["project"] = remote.project
    if not remote.is_unix:
        entry["protocol"] = remote.protocol
    return {**entry, "public": remote.is_public}
