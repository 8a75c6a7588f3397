"""JSON for answers and events, whatever names the disks hold."""

from __future__ import annotations

import json

import msgspec

_encoder = msgspec.json.Encoder()


def encode(document: object) -> bytes:
    """Return a document as JSON; the bytes of a name that isn't UTF-8 stand in it as lone surrogates ("\\udce9").

    Python reads them as `os.fsencode` takes them. Go and so `lxc` reads them as U+FFFD, which is what LXD sends.
    """
    try:
        return _encoder.encode(document)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(document)).encode()
