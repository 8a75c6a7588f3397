"""Export files encrypted to age recipients, here and not on the server, which never sees a key.

The format is that of https://age-encryption.org: `age --decrypt` opens such a file. It is made and opened as a stream
of blocks that are each authenticated; one that was cut is an error at its end.
"""

from __future__ import annotations

import io
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, Final, ParamSpec, Protocol, TypeVar, cast

from holdfast.client.errors import ClientError, EncryptedFileError, KeyFileError
from holdfast.client.transfer import CHUNK_BYTES

if TYPE_CHECKING:
    import pyrage

    Recipient = pyrage.x25519.Recipient | pyrage.ssh.Recipient
    Identity = pyrage.x25519.Identity | pyrage.ssh.Identity

P = ParamSpec("P")
R = TypeVar("R")

SUFFIX: Final = ".age"
_MAGIC: Final = (b"age-encryption.org/", b"-----BEGIN AGE ENCRYPTED FILE-----")
MAGIC_BYTES: Final = max(map(len, _MAGIC))
_KEY_FILE_CAP_BYTES: Final = 1024 * 1024
_IDENTITY_PREFIX: Final = "AGE-SECRET-KEY-"
_KINDS_OF_SSH: Final = ("ssh-ed25519", "ssh-rsa")
_PUBLIC_PREFIXES: Final = ("age1", "ssh-", "ecdsa-sha2-", "sk-")
"""What can't be secret, so that an error may show it."""
_WANTED_RECIPIENT: Final = "give an age recipient (age1…, ssh-ed25519 …, ssh-rsa …), or a file of them"
_WANTED_IDENTITY: Final = "give the file with your age identity (AGE-SECRET-KEY-…) or your private SSH key"


class Source(Protocol):
    """What is read from, as a file is."""

    def read(self, size: int = -1, /) -> bytes: ...


def is_encrypted(head: bytes) -> bool:
    """Tell by its first `MAGIC_BYTES` whether a file is one of age's."""
    return head.startswith(_MAGIC)


def parse_recipients(words: Sequence[str]) -> list[Recipient]:
    """Return the recipients: each word is one (`age1…`, `ssh-ed25519 …`, `ssh-rsa …`), or a file with one a line."""
    found: list[Recipient] = []
    for word in words:
        if not word.strip():
            raise KeyFileError(f"--encrypt is empty: {_WANTED_RECIPIENT}")
        if _is_secret(word):
            raise _identity_given("--encrypt", "FILE")
        if word.startswith(_PUBLIC_PREFIXES):
            found.append(_recipient(word, "--encrypt"))
            continue
        lines = _key_lines(Path(word), _WANTED_RECIPIENT)
        if not lines:
            raise KeyFileError(f"{word} holds no age recipient")
        if any(map(_is_secret, lines)):
            raise _identity_given(word, word)
        found += [_recipient(line, word) for line in lines]
    return found


def load_identities(path: Path) -> list[Identity]:
    """Return the identities in a file: one of age's with a line for each, or one private key of SSH."""
    import pyrage

    text = _key_text(path, _WANTED_IDENTITY)
    if text.lstrip().startswith("-----BEGIN"):
        try:
            return [pyrage.ssh.Identity.from_buffer(text.encode())]
        except pyrage.IdentityError as error:
            raise KeyFileError(f"{path} is no SSH key that age can use: {error}") from error
    found: list[Identity] = []
    for line in _key_lines(path, _WANTED_IDENTITY):
        if not line.upper().startswith(_IDENTITY_PREFIX):
            raise KeyFileError(f"{path} is no age identity: a line does not begin with {_IDENTITY_PREFIX}")
        try:
            found.append(pyrage.x25519.Identity.from_str(line))
        except pyrage.IdentityError as error:
            raise KeyFileError(f"{path} holds an age identity that can't be read: {error}") from error
    if not found:
        raise KeyFileError(f"{path} holds no age identity")
    return found


def encrypt(source: Source, target: BinaryIO, recipients: Sequence[Recipient]) -> None:
    """Copy all of the source, encrypted. What reading or writing raises comes out as it was."""
    import pyrage

    watched_source, watched_target = _Watched(source), _Watched(target)
    try:
        pyrage.encrypt_io(watched_source.as_file, watched_target.as_file, recipients)
    except (pyrage.EncryptError, OSError) as error:
        _raise_first(watched_source, watched_target)
        raise EncryptedFileError(f"The file could not be encrypted: {error}") from error
    _raise_first(watched_source, watched_target)


@contextmanager
def decrypting(source: Source, identities: Sequence[Identity], name: str) -> Iterator[io.RawIOBase]:
    """Give a file that holds the decrypted content of the source; reading a part that isn't genuine raises."""
    ours, theirs = os.pipe2(os.O_CLOEXEC)
    reader = _Decrypted(ours)

    def work() -> None:
        try:
            with os.fdopen(theirs, "wb", CHUNK_BYTES) as target:
                _decrypt(source, target, identities, name)
                reader.is_whole = True
        except ClientError as error:
            reader.failure = error
        except OSError as error:
            reader.failure = None if isinstance(error, BrokenPipeError) else error

    worker = threading.Thread(target=work, name="age", daemon=True)
    reader.worker = worker
    worker.start()
    try:
        yield reader
    finally:
        reader.close()  # who still writes into the pipe gets an error and ends
        worker.join()


class _Decrypted(io.RawIOBase):
    """The reading side of the pipe: its end is the end of the content only where decrypting ended well."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.worker: threading.Thread | None = None
        self.is_whole = False
        self.failure: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        """Fill what is there; 0 at the proven end."""
        count = os.readv(self._descriptor, [buffer])
        if not count and self.worker is not None:
            self.worker.join()
            if self.failure is not None:
                raise self.failure
            if not self.is_whole:
                raise EncryptedFileError("Decrypting ended early")
        return count

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


class _Watched:
    """A file of ours between us and the library, which would make texts of our exceptions."""

    def __init__(self, file: Source | BinaryIO) -> None:
        self._file = file
        self.failure: BaseException | None = None

    @property
    def as_file(self) -> io.BufferedIOBase:
        """Itself: the library asks for `read`, `write` and `flush` alone."""
        return cast(io.BufferedIOBase, self)

    def read(self, size: int = -1, /) -> bytes:
        return self._call(self._file.read, size)

    def write(self, data: bytes, /) -> int:
        return self._call(cast(BinaryIO, self._file).write, data)

    def flush(self) -> None:
        self._call(cast(BinaryIO, self._file).flush)

    def _call(self, function: Callable[P, R], *values: P.args, **named: P.kwargs) -> R:
        try:
            return function(*values, **named)
        except BaseException as error:
            self.failure = self.failure or error
            raise


def _raise_first(*files: _Watched) -> None:
    for file in files:
        if file.failure is not None:
            raise file.failure


def _decrypt(source: Source, target: BinaryIO, identities: Sequence[Identity], name: str) -> None:
    import pyrage

    watched_source, watched_target = _Watched(source), _Watched(target)
    try:
        pyrage.decrypt_io(watched_source.as_file, watched_target.as_file, identities)
    except (pyrage.DecryptError, OSError) as error:
        _raise_first(watched_source, watched_target)
        if "matching keys" in str(error):
            raise EncryptedFileError(f"{name} is encrypted to other recipients: no given identity opens it") from error
        raise EncryptedFileError(f"{name} is damaged or was cut: {error}") from error
    _raise_first(watched_source, watched_target)


def _recipient(text: str, where: str) -> Recipient:
    import pyrage

    try:
        if text.startswith("age1"):
            return pyrage.x25519.Recipient.from_str(text)
        return pyrage.ssh.Recipient.from_str(text)
    except pyrage.RecipientError as error:
        if not text.startswith(_PUBLIC_PREFIXES):  # who knows what it is: it isn't shown
            raise KeyFileError(f"{where}: a line is no age recipient: {_WANTED_RECIPIENT}") from error
        kind, _, rest = text.partition(" ")
        if rest and kind not in _KINDS_OF_SSH:
            raise KeyFileError(
                f"{where}: age takes SSH keys of the kinds ssh-ed25519 and ssh-rsa alone, not {kind[:80]}"
            ) from error
        raise KeyFileError(f'{where}: "{text[:80]}" is no age recipient: {error}') from error


def _is_secret(text: str) -> bool:
    """Tell whether a line is, or begins, something that must not be shown."""
    upper = text.upper()
    return _IDENTITY_PREFIX in upper or ("-----BEGIN" in upper and "PRIVATE KEY" in upper)


def _identity_given(where: str, path: str) -> KeyFileError:
    return KeyFileError(
        f"{where}: this is an identity, that is a secret key. Files are encrypted to its recipient, which "
        f"`age-keygen -y {path}` tells; of an SSH key it is the .pub file"
    )


def _key_lines(path: Path, wanted: str) -> list[str]:
    lines = [line.strip() for line in _key_text(path, wanted).splitlines()]
    return [line for line in lines if line and not line.startswith("#")]


def _key_text(path: Path, wanted: str) -> str:
    try:
        with path.open("rb") as file:
            return file.read(_KEY_FILE_CAP_BYTES).decode("utf-8-sig")
    except UnicodeError as error:
        raise KeyFileError(f"{path} holds no keys: it is no text") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise KeyFileError(f"{path}: {reason}: {wanted}") from error
