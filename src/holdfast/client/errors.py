"""What can go wrong between a client and a server; every message stands alone on one line."""

from __future__ import annotations

import posixpath
from pathlib import Path


class ClientError(Exception):
    """Any failure of the client; its text is fit to be shown to a user."""


class UnreachableServerError(ClientError):
    """Nothing answers at the socket or the address."""

    def __init__(self, where: str, reason: str) -> None:
        advice = (
            "Is it running there, with core.https_address set?"
            if where.startswith("https://")
            else "Start it with `holdfast server` as root, or set HOLDFAST_DIR or HOLDFAST_SOCKET to where it runs"
        )
        super().__init__(f"No server answers at {where} ({reason}). {advice}")


class SocketPermissionError(ClientError):
    """The socket is there, but this user may not open it."""

    def __init__(self, socket_path: str, group: str) -> None:
        super().__init__(
            f"You may not open {socket_path}: be root or a member of the group {group} "
            f"(`usermod -aG {group} <user>`, then log in again)"
        )


class BadAddressError(ClientError):
    """What was given as the address of a server is none."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f'"{url}" is not the address of a server: {reason}')


class UnknownCertificateError(ClientError):
    """The server shows another certificate than the one that is trusted."""

    def __init__(self, host: str, shown: str, wanted: str) -> None:
        super().__init__(
            f"The server at {host} is not the one that is known: the fingerprint of its certificate is "
            f"{shown or 'none'}, and {wanted} is trusted. If it was made anew, remove the remote and add it again"
        )


class UntrustedAuthorityError(ClientError):
    """No certificate is pinned, and no authority that this machine trusts vouches for the server's."""

    def __init__(self, url: str, reason: str) -> None:
        super().__init__(f"The certificate of {url} is not trusted ({reason}): `holdfast remote add` asks you about it")


class IdentityError(ClientError):
    """The client's own certificate or key can't be used."""

    def __init__(self, certificate_path: Path, key_path: Path, reason: str) -> None:
        super().__init__(f"Your certificate {certificate_path} with its key {key_path} can't be used: {reason}")


class BrokenConnectionError(ClientError):
    """The server went away in the middle of an answer, or said something that is not the API."""

    def __init__(self, what: str, reason: str) -> None:
        super().__init__(f"The connection broke during {what}: {reason}")


class ApiError(ClientError):
    """The server refused a request. `status` is the HTTP status: 404 absent, 409 taken, 412 changed meanwhile."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class MissingPathError(ApiError):
    """There is nothing at the path of a file, or no directory for a file that is to be made."""

    def __init__(self, where: str, path: str, *, is_for_new: bool = False) -> None:
        directory = posixpath.dirname(path.rstrip("/"))
        found = path if not is_for_new else f"directory {directory}" if directory.strip("/") else f"place for {path}"
        super().__init__(404, f"There is no {found} in {where}")


class SpecialFileError(ApiError):
    """A path is a device, a socket or the like, which has no content to be read."""

    def __init__(self, where: str, path: str) -> None:
        super().__init__(400, f"{path} in {where} is neither file, directory nor symbolic link")


class OperationFailedError(ClientError):
    """Background work ended without success. `status_code` is 400 (failed) or 401 (cancelled)."""

    def __init__(self, status_code: int, text: str) -> None:
        super().__init__(text)
        self.status_code = status_code


class ShortTransferError(ClientError):
    """Fewer bytes arrived than the server had announced; nothing was kept."""

    def __init__(self, name: str, got_bytes: int, expected_bytes: int) -> None:
        super().__init__(f"{name}: the transfer ended after {got_bytes} of {expected_bytes} bytes; nothing was kept")


class FileExistsAlreadyError(ClientError):
    """A file is there that must not be replaced."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"{path} exists already and is left as it is")


class UnfitTargetError(ClientError):
    """The name belongs to something that a file can't replace."""

    def __init__(self, path: Path) -> None:
        super().__init__(f'{path} is no regular file; give another name, or "-" to write to standard output')


class TargetInUseError(ClientError):
    """Another process is writing the same file."""

    def __init__(self, path: Path) -> None:
        super().__init__(f"Another transfer is writing {path} right now")


class KeyFileError(ClientError):
    """What was given as an age recipient or identity is none."""


class EncryptedFileError(ClientError):
    """A file is encrypted and can't be opened with what was given, or wasn't encrypted at all."""
