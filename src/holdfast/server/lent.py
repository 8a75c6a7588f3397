"""Files that the client has open: what names them in a request.

`X-Holdfast-descriptor` is `NUMBER DEVICE INODE SIZE MTIME_NS`: a descriptor of the client, and what it is of.
"""

from __future__ import annotations

import re
from typing import Final

from holdfast.model.errors import BadRequestError
from holdfast.server.request import ApiRequest
from holdfast.service.lent_files import Facts

DESCRIPTOR_HEADER: Final = "X-Holdfast-descriptor"
_DESCRIPTOR: Final = re.compile(r"([0-9]{1,10}) ([0-9]{1,20}) ([0-9]{1,20}) ([0-9]{1,19}) (-?[0-9]{1,20})", re.ASCII)


def lent_descriptor(request: ApiRequest) -> Facts | None:
    """Return what the request says of the file; None if it has none, which is no file of the server's to look for."""
    text = request.header(DESCRIPTOR_HEADER)
    if not text:
        return None
    match = _DESCRIPTOR.fullmatch(text)
    if match is None:
        raise BadRequestError(f'Invalid {DESCRIPTOR_HEADER} "{text}": give NUMBER DEVICE INODE SIZE MTIME_NS')
    number, device, inode, size_bytes, mtime_ns = map(int, match.groups())
    return number, device, inode, size_bytes, mtime_ns
