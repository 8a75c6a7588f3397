"""The server's side of TLS: every client may come, with any certificate or none, and is judged by it afterwards.

The `ssl` module knows no such mode: with a certificate asked for, it refuses each that no authority vouches for. So
OpenSSL's check of the chain is replaced by one that always says yes (SSL_CTX_set_cert_verify_callback), in the library
and on the context that `ssl` itself uses. What a handshake proves stays proven: that the client has the key.

Whether that works in this Python is tried before the first client comes; where it doesn't, `tls_fallback` does the
same by pyOpenSSL.
"""

from __future__ import annotations

import _ssl
import ctypes
import logging
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Final

from holdfast.model.errors import InternalError
from holdfast.server.tls_trial import accepts_any_certificate

_log = logging.getLogger(__name__)

_VerifyCallback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)


def _accept(_context: int | None, _argument: int | None) -> int:
    return 1


_ALWAYS: Final = _VerifyCallback(_accept)
"""Referred to by OpenSSL for as long as the process lives, so it is never collected."""

ContextMaker = Callable[[Path, Path], ssl.SSLContext]


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return what the listener uses; raise `InternalError` if no way of accepting clients works here."""
    return first_that_works((patched_context, _fallback_context), certificate, key)


def first_that_works(makers: tuple[ContextMaker, ...], certificate: Path, key: Path) -> ssl.SSLContext:
    """Return the first context with which a client gets in and is recognised by its certificate."""
    for maker in makers:
        try:
            context = maker(certificate, key)
            if accepts_any_certificate(context, certificate, key):
                return context
            reason = "clients aren't recognised"
        except (OSError, ssl.SSLError, AttributeError, ImportError, ValueError) as error:
            reason = str(error) or type(error).__name__
        _log.warning("TLS by %s doesn't work here: %s", maker.__name__, reason)
    raise InternalError(f"HTTPS can't be served with {certificate}: {reason}")


def patched_context(certificate: Path, key: Path) -> ssl.SSLContext:
    """Return a context of the standard library whose check of chains is replaced."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.load_cert_chain(certificate, key)
    # The library that `ssl` itself is linked with; another one of that name would know another structure.
    library = ctypes.CDLL(_ssl.__file__)
    library.SSL_CTX_get_verify_mode.argtypes = [ctypes.c_void_p]
    library.SSL_CTX_get_verify_mode.restype = ctypes.c_int
    library.SSL_CTX_set_cert_verify_callback.argtypes = [ctypes.c_void_p, _VerifyCallback, ctypes.c_void_p]
    library.SSL_CTX_set_cert_verify_callback.restype = None
    pointer = _pointer_of(context, library)
    context.verify_mode = ssl.CERT_OPTIONAL
    library.SSL_CTX_set_cert_verify_callback(pointer, _ALWAYS, None)
    return context


def _pointer_of(context: ssl.SSLContext, library: ctypes.CDLL) -> int:
    """Return where OpenSSL's SSL_CTX is: the first field of the object. It is proven before it is written to."""
    pointer = ctypes.c_void_p.from_address(id(context) + object.__basicsize__).value
    if not pointer:
        raise ValueError("the context of this Python has another layout")
    for mode, seen in ((ssl.CERT_OPTIONAL, 1), (ssl.CERT_NONE, 0)):
        context.verify_mode = mode
        if library.SSL_CTX_get_verify_mode(pointer) != seen:
            raise ValueError("the context of this Python has another layout")
    return pointer


def _fallback_context(certificate: Path, key: Path) -> ssl.SSLContext:
    from holdfast.server.tls_fallback import fallback_context

    return fallback_context(certificate, key)
