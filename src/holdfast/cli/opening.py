"""Opening a link in the user's browser, without showing the secret in it to others on this machine."""

from __future__ import annotations

import html
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_FILE: Final = "web-page.html"


def can_open(environment: Mapping[str, str]) -> bool:
    """Tell whether there is a desktop; elsewhere a browser for terminals would come up unasked."""
    return any(environment.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "BROWSER"))


def open_in_browser(url: str, directory: Path) -> bool:
    """Have the browser open a file of the user's that leads on to the link, and tell whether one was found.

    Arguments of processes can be read by everybody on the machine, and who is first to use a link is signed in.
    """
    import webbrowser

    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = directory / _FILE
    path.unlink(missing_ok=True)
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(
            f'<!doctype html><meta charset="utf-8"><meta http-equiv="refresh" content="0;url={html.escape(url)}">\n'
            f'<title>Holdfast</title><a href="{html.escape(url)}">Open the web page</a>\n'
        )
    return webbrowser.open(path.as_uri())
