"""The export file of an import: the request's body, or an upload in pieces that is named by `X-Holdfast-upload`."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from holdfast.server.request import ApiRequest
from holdfast.server.uploads import arriving_body
from holdfast.service.arrivals import Arrival

UPLOAD_HEADER: Final = "X-Holdfast-upload"


@asynccontextmanager
async def import_body(request: ApiRequest) -> AsyncIterator[Arrival]:
    """Give the file, as `arriving_body` does: the service that it is handed to removes it, also if it refuses it."""
    upload = request.header(UPLOAD_HEADER)
    if upload:
        yield await request.run(request.services.uploads.take, request.caller, upload)
        return
    async with arriving_body(request) as arrival:
        yield arrival
