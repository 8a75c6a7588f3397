"""Copies of images between two servers: by the servers themselves where they reach each other, else by the client.

| mode    | who connects to whom      | what it needs                                             |
|---------|---------------------------|-----------------------------------------------------------|
| `pull`  | the target to the source  | a secret of the source, for an image that isn't public     |
| `push`  | the source to the target  | a secret of the target, which expects this very image      |
| `relay` | the client to both        | room for the files where the client is                     |
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from holdfast.client.connection import Connection, path_of
from holdfast.client.crossing import PULL, PUSH, RELAY, Wait, give_up, is_listening, is_unreached, reach
from holdfast.client.errors import ApiError, OperationFailedError
from holdfast.client.image_names import ImageNames
from holdfast.client.images import ImageFile, Images
from holdfast.client.operations import RunningOperation, begin
from holdfast.client.shapes import Image
from holdfast.client.transfer import OnBytes

_NOT_SERVED: Final = 501
"""What servers say that can't fetch images."""
Show = Callable[[str], OnBytes | None]
"""Gives, for a title, what shows how far a transfer is."""


@dataclass(frozen=True, kw_only=True)
class ImageCrossing:
    """One copy of an image."""

    source: Connection
    target: Connection
    image: Image
    names: ImageNames
    """What it shall be called there; the fresh ones are sent along."""
    is_public: bool = False

    def carry_out(self, mode: str | None, wait: Wait, show: Show) -> None:
        """Copy, in the given mode; None has the target pull if it can, and goes through the client if it can't."""
        if mode is None:
            if not self._is_pulled(wait):
                self._relay(wait, show)
        elif mode == RELAY:
            self._relay(wait, show)
        elif mode == PULL:
            reach(self.source, "source", PULL, lambda address, certificate: self._pull(address, certificate, wait))
        else:
            reach(self.target, "target", PUSH, lambda address, certificate: self._push(address, certificate, wait))

    def _is_pulled(self, wait: Wait) -> bool:
        """Have the target pull; tell whether it could."""
        if not is_listening(self.source):
            return False
        try:
            self.carry_out(PULL, wait, lambda _: None)
        except OperationFailedError as error:
            if not is_unreached(error):
                raise
            return False
        except ApiError as error:
            if error.status != _NOT_SERVED:
                raise
            return False
        return True

    def _pull(self, address: str, certificate: str, wait: Wait) -> None:
        with offered(self.source, self.image, address, certificate) as source:
            request = {"source": source, "public": self.is_public, "aliases": self.names.entries}
            wait(begin(self.target, "POST", path_of("images"), request))

    def _push(self, address: str, certificate: str, wait: Wait) -> None:
        fingerprint = self.image["fingerprint"]
        wanted: Mapping[str, object] = {
            "source": {"mode": PUSH, "fingerprint": fingerprint},
            "public": self.is_public,
            "properties": self.image["properties"],
            "expires_at": self.image["expires_at"],
            "aliases": self.names.entries,
        }
        token = begin(self.target, "POST", path_of("images"), wanted)
        order = {
            "target": address,
            "certificate": certificate,
            "secret": _secret_of(token),
            "project": self.target.project,
        }
        try:
            wait(begin(self.source, "POST", path_of("images", fingerprint, "export"), order))
        except BaseException:
            give_up(token)
            raise

    def _relay(self, wait: Wait, show: Show) -> None:
        name = self.image["fingerprint"][:12]
        with TemporaryDirectory(prefix="holdfast-image-") as folder:
            files = Images(self.source).export(self.image["fingerprint"], Path(folder), show(f"Fetching {name}"))
            sending = Images(self.target).import_file(
                ImageFile(files[0], files[1] if len(files) > 1 else None),
                properties=self.image["properties"] or {},
                is_public=self.is_public,
                aliases=self.names.fresh,
                on_bytes=show(f"Sending {name}"),
            )
            wait(sending)


@contextmanager
def offered(source: Connection, image: Image, address: str, certificate: str) -> Iterator[Mapping[str, object]]:
    """Give the `source` of a request by which another server fetches the image; if that fails its secret is taken back.

    `address` and `certificate` are those of the server that has the image.
    """
    fingerprint = image["fingerprint"]
    token = None if image["public"] else begin(source, "POST", path_of("images", fingerprint, "secret"))
    try:
        yield {
            "type": "image",
            "mode": PULL,
            "server": address,
            "protocol": "lxd",
            "certificate": certificate,
            "secret": _secret_of(token) if token else "",
            "fingerprint": fingerprint,
            "project": source.project,
        }
    except BaseException:
        if token is not None:
            give_up(token)
        raise


def _secret_of(token: RunningOperation) -> str:
    return str(token.results()["secret"])
