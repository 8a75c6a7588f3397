"""The files of the web page: built from `webui/`, served below /ui/ to whoever asks. What they show comes by the API.

What has a hash in its name never changes; whatever else isn't there is the page itself, which knows its own addresses.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

from aiohttp import web

FILES: Final = Path(__file__).parent / "webui_files"
_ASSETS: Final = "assets/"
_FRESH: Final = "no-cache"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_PLAIN_NAME: Final = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*", re.ASCII)
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".html": "text/html; charset=utf-8",
    ".ico": "image/x-icon",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".map": "application/json",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".webmanifest": "application/manifest+json",
    ".woff2": "font/woff2",
}
"""Fixed here, as the tables of machines differ and browsers run nothing that has another type."""
_NOT_BUILT: Final = """The web page isn't built.

In a checkout ./run and ./test build it, or by hand (Node.js 18 or newer):

    cd webui && npm ci && npm run build

The command `holdfast` and the API have everything that the page has.
"""


class WebFiles:
    """Serves a directory of files as Vite makes it."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def root(self, http: web.Request) -> web.StreamResponse:
        """Lead to where the page is: its links are relative to that."""
        return web.Response(status=308, headers={"Location": "/ui/"})

    async def file(self, http: web.Request) -> web.StreamResponse:
        """Answer with a file, or with the page for an address of its own."""
        path = http.match_info["path"]
        found = self._find(path)
        if found is not None:
            return _send(found, _FOR_EVER if path.startswith(_ASSETS) else _FRESH)
        if path.startswith(_ASSETS):
            return web.Response(status=404, text="not found\n")
        index = self._directory / "index.html"
        if not index.is_file():
            return web.Response(status=503, text=_NOT_BUILT)
        return _send(index, _FRESH)

    def _find(self, path: str) -> Path | None:
        """Return the file of a path; names are plain ones, so that no path leads out."""
        names = path.split("/")
        if not all(_PLAIN_NAME.fullmatch(name) for name in names):
            return None
        found = self._directory.joinpath(*names)
        return found if found.suffix in _TYPES and found.is_file() and not found.is_symlink() else None


def _send(path: Path, cache: str) -> web.StreamResponse:
    """Send a file, or the `.br` or `.gz` beside it where the browser takes that."""
    headers = {"Content-Type": _TYPES[path.suffix], "Vary": "Accept-Encoding", "Cache-Control": cache}
    return web.FileResponse(path, headers=headers)
