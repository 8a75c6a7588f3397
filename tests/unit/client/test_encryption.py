"""Encrypted export files are age's own format, and a damaged one is never taken for whole."""

from __future__ import annotations

import io
import os
import subprocess
from pathlib import Path

import pyrage
import pytest

from holdfast.client.encryption import decrypting, encrypt, is_encrypted, load_identities, parse_recipients
from holdfast.client.errors import BrokenConnectionError, EncryptedFileError, KeyFileError

CONTENT = os.urandom(300_000) + bytes(300_000)


@pytest.fixture
def key(tmp_path: Path) -> tuple[str, Path]:
    """A recipient, and the file with its identity."""
    identity = pyrage.x25519.Identity.generate()
    path = tmp_path / "key.txt"
    path.write_text(f"# created: today\n# public key: {identity.to_public()}\n{identity}\n")
    return str(identity.to_public()), path


def encrypted(*recipients: str) -> bytes:
    target = io.BytesIO()
    encrypt(io.BytesIO(CONTENT), target, parse_recipients(recipients))
    return target.getvalue()


def opened(data: bytes, key_file: Path) -> bytes:
    with decrypting(io.BytesIO(data), load_identities(key_file), "f.age") as plain:
        return io.BufferedReader(plain).read()


def test_round_trip(key: tuple[str, Path]) -> None:
    data = encrypted(key[0])
    assert is_encrypted(data)
    assert not is_encrypted(CONTENT)
    assert CONTENT[:64] not in data
    assert opened(data, key[1]) == CONTENT


def test_recipients_of_a_file_and_of_ssh(key: tuple[str, Path], tmp_path: Path) -> None:
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
    listed = tmp_path / "recipients.txt"
    listed.write_text(f"# ours\n\n{key[0]}\n")
    data = encrypted(str(listed), (tmp_path / "id.pub").read_text().strip())
    assert opened(data, key[1]) == CONTENT
    assert opened(data, tmp_path / "id") == CONTENT
    assert opened(encrypted(str(tmp_path / "id.pub")), tmp_path / "id") == CONTENT


def test_another_identity_does_not_open_it(key: tuple[str, Path], tmp_path: Path) -> None:
    other = tmp_path / "other.txt"
    other.write_text(f"{pyrage.x25519.Identity.generate()}\n")
    with pytest.raises(EncryptedFileError, match="other recipients"):
        opened(encrypted(key[0]), other)


@pytest.mark.parametrize("cut", [250, 70_000, 65_536 * 4 + 200, -1, -17])
def test_a_cut_file_is_an_error_at_its_end(key: tuple[str, Path], cut: int) -> None:
    with pytest.raises(EncryptedFileError, match="damaged or was cut"):
        opened(encrypted(key[0])[:cut], key[1])


def test_a_changed_byte_is_an_error(key: tuple[str, Path]) -> None:
    data = bytearray(encrypted(key[0]))
    for position in (60, 150, 400, 100_000, len(data) - 1):
        changed = data.copy()
        changed[position] ^= 1
        with pytest.raises(EncryptedFileError):
            opened(bytes(changed), key[1])


def test_a_reader_may_leave_early(key: tuple[str, Path]) -> None:
    with decrypting(io.BytesIO(encrypted(key[0])), load_identities(key[1]), "f") as plain:
        assert plain.read(10) == CONTENT[:10]


class Broken:
    def __init__(self, good_bytes: int) -> None:
        self._left = good_bytes

    def read(self, size: int = -1, /) -> bytes:
        if self._left <= 0:
            raise BrokenConnectionError("a test", "cut")
        self._left -= size
        return bytes(size)


def test_what_reading_raises_comes_out_as_it_is(key: tuple[str, Path]) -> None:
    with pytest.raises(BrokenConnectionError):
        encrypt(Broken(200_000), io.BytesIO(), parse_recipients([key[0]]))
    with open("/dev/full", "wb", buffering=0) as full, pytest.raises(OSError, match="No space left"):
        encrypt(io.BytesIO(CONTENT), full, parse_recipients([key[0]]))


def test_keys_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="no age recipient"):
        parse_recipients(["age1nonsense"])
    with pytest.raises(KeyFileError, match="give an age recipient"):
        parse_recipients([str(tmp_path / "missing")])
    (tmp_path / "empty").write_text("# nothing\n")
    with pytest.raises(KeyFileError, match="holds no age recipient"):
        parse_recipients([str(tmp_path / "empty")])
    with pytest.raises(KeyFileError, match="holds no age identity"):
        load_identities(tmp_path / "empty")
    (tmp_path / "wrong").write_text("age1xyz\n")
    with pytest.raises(KeyFileError, match="does not begin with AGE-SECRET-KEY-"):
        load_identities(tmp_path / "wrong")
    (tmp_path / "binary").write_bytes(bytes(range(256)))
    with pytest.raises(KeyFileError, match="it is no text"):
        load_identities(tmp_path / "binary")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "secret", "-f", tmp_path / "locked"], check=True)
    with pytest.raises((KeyFileError, EncryptedFileError)):
        opened(encrypted((tmp_path / "locked.pub").read_text().strip()), tmp_path / "locked")


def test_threat_no_error_shows_a_secret_key(key: tuple[str, Path], tmp_path: Path) -> None:
    secret = key[1].read_text().splitlines()[-1]
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
    ssh_lines = (tmp_path / "id").read_text().splitlines()
    files = {
        "lower": secret.lower(),
        "marked": f"\ufeff{secret}\n",
        "mixed": f"{key[0]}\nkey={secret}\n",
        "broken": secret[:-3] + "\n",
        "ssh middle": "\n".join(ssh_lines[1:]),
        "age middle": secret.removeprefix("AGE-SECRET-KEY-"),
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    words = [str(key[1]), str(tmp_path / "id"), secret, "\n".join(ssh_lines), *(str(tmp_path / name) for name in files)]
    pieces = [secret[20:40].lower(), *(line[:20].lower() for line in ssh_lines[1:-1])]
    for word in words:
        with pytest.raises(KeyFileError) as refused:
            parse_recipients([word])
        assert not [piece for piece in pieces if piece in str(refused.value).lower()], word
    for name in ("broken", "ssh middle", "age middle"):
        with pytest.raises(KeyFileError) as refused:
            load_identities(tmp_path / name)
        assert not [piece for piece in pieces if piece in str(refused.value).lower()], name


def test_an_identity_in_the_place_of_a_recipient(key: tuple[str, Path], tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match=rf"secret key.*`age-keygen -y {key[1]}`"):
        parse_recipients([str(key[1])])
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "id"], check=True)
    with pytest.raises(KeyFileError, match=r"secret key.*\.pub file"):
        parse_recipients([str(tmp_path / "id")])


def test_errors_name_what_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(KeyFileError, match="No such file or directory: give the file with your age identity"):
        load_identities(tmp_path / "nope")
    with pytest.raises(KeyFileError, match="--encrypt is empty"):
        parse_recipients([""])
    subprocess.run(["ssh-keygen", "-q", "-t", "ecdsa", "-N", "", "-f", tmp_path / "id"], check=True)
    for word in (str(tmp_path / "id.pub"), (tmp_path / "id.pub").read_text()):
        with pytest.raises(KeyFileError, match="ssh-ed25519 and ssh-rsa alone, not ecdsa-sha2-nistp256"):
            parse_recipients([word])
