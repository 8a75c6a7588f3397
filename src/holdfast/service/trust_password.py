"""The password for new clients, kept as a hash that is costly to try: scrypt with the cost and layout of LXD's."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from typing import Final

_SALT_BYTES: Final = 32
_HASH_BYTES: Final = 64
_COST, _BLOCK, _LANES = 1 << 14, 8, 1
_MEMORY_BYTES: Final = 64 * 1024 * 1024


def hash_password(password: str) -> str:
    """Return salt and hash, in hexadecimal."""
    salt = secrets.token_bytes(_SALT_BYTES)
    return (salt + _hash(password, salt)).hex()


def is_password(password: str, kept: str) -> bool:
    """Tell whether the password is the one of the kept hash; none kept is nobody's."""
    try:
        data = bytes.fromhex(kept)
    except ValueError:
        return False
    if len(data) != _SALT_BYTES + _HASH_BYTES:
        return False
    return hmac.compare_digest(_hash(password, data[:_SALT_BYTES]), data[_SALT_BYTES:])


def _hash(password: str, salt: bytes) -> bytes:
    return hashlib.scrypt(
        password.encode(errors="surrogatepass"),
        salt=salt,
        n=_COST,
        r=_BLOCK,
        p=_LANES,
        maxmem=_MEMORY_BYTES,
        dklen=_HASH_BYTES,
    )
