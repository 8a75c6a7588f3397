"""A handshake in memory between a server's context and a stranger: does it get in, and is it recognised?"""

from __future__ import annotations

import ssl
from pathlib import Path


def accepts_any_certificate(context: ssl.SSLContext, certificate: Path, key: Path) -> bool:
    """Tell whether clients with a certificate of their own making, and without one, get in as who they are.

    The server's own certificate serves as the client's: no authority that the context knows vouches for it either.
    """
    stranger = _client()
    stranger.load_cert_chain(certificate, key)
    shown = _shown(context, stranger)
    text = certificate.read_text()
    begin = text.index(ssl.PEM_HEADER)
    expected = ssl.PEM_cert_to_DER_cert(text[begin : text.index(ssl.PEM_FOOTER) + len(ssl.PEM_FOOTER)])
    return shown == expected and _shown(context, _client()) is None


def _client() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def _shown(context: ssl.SSLContext, client_context: ssl.SSLContext) -> bytes | None:
    """Return the certificate that the server sees of the client once a byte has crossed."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    server = context.wrap_bio(to_server, to_client, server_side=True)
    client = client_context.wrap_bio(to_client, to_server)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    client.write(b"x")
    if server.read(1) != b"x":
        raise ssl.SSLError("a byte was lost")
    return server.getpeercert(binary_form=True)
