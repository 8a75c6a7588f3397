"""The export file of an import: the request's body, an upload in pieces, or a file that the client has open.

| header | |
|---|---|
| `X-Holdfast-upload` | the id of a whole upload |
| `X-Holdfast-descriptor` | a descriptor of the client, and what it is of (`lent.py`) |
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from holdfast.server.lent import DESCRIPTOR_HEADER, lent_descriptor
from holdfast.server.peer import process_of
from holdfast.server.request import ApiRequest
from holdfast.server.uploads import arriving_body
from holdfast.service.lent_files import ImportedFile, lent_file

UPLOAD_HEADER: Final = "X-Holdfast-upload"


def has_file(request: ApiRequest) -> bool:
    """Tell whether a file comes with a request."""
    return request.is_binary or bool(request.header(UPLOAD_HEADER) or request.header(DESCRIPTOR_HEADER))


@asynccontextmanager
async def import_body(request: ApiRequest) -> AsyncIterator[ImportedFile]:
    """Give the file, as `arriving_body` does: the service that it is handed to removes it, also if it refuses it."""
    if upload := request.header(UPLOAD_HEADER):
        yield (await request.run(request.services.uploads.take, request.caller, upload)).file
    elif descriptor := lent_descriptor(request):
        yield await request.run(lent_file, process_of(request.http), descriptor)
    else:
        async with arriving_body(request) as arrival:
            yield arrival.file
