"""Browsers as a server sees them: they send a cookie, and say which page asks."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from urllib.parse import urlencode

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin

from holdfast.client.endpoints import TlsEndpoint
from support.clients import Clients
from support.http import Answer
from support.https import ask_https

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin"}


@dataclass(frozen=True)
class BrowserAtWork:
    """One that is signed in, by its cookie."""

    port: int
    cookie: str
    certificate: str = ""
    """What the server must show to a websocket, as PEM."""

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Ask as a script of the server's own page does; headers that are given are sent instead of those."""
        return self.ask_bare(method, path, body, **{"Sec_Fetch_Site": "same-origin", **headers})

    def ask_bare(self, method: str, path: str, body: object = None, **headers: str) -> Answer:
        """Ask with the cookie and the given headers alone. In names of headers `_` stands for `-`."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return ask_https(self.port, None, method, path, body, headers={"Cookie": self.cookie, **named})


def token_of(clients: Clients, **link: object) -> str:
    """Have an administrator make a link, and return the secret in it."""
    answer = clients.ask(clients.admin, "POST", "/1.0/ui/links", link)
    assert answer.status == 200, answer.raw
    return str(answer.body["metadata"]["url"].partition("?token=")[2])


def use_token(port: int, token: str, *, source: str = "127.0.0.1", **headers: str) -> Answer:
    """Send the form of the sign-in page."""
    sent = {
        "Content-Type": "application/x-www-form-urlencoded",
        "User-Agent": FIREFOX,
        **(OWN_PAGE if not headers else {name.replace("_", "-"): value for name, value in headers.items()}),
    }
    return ask_https(port, None, "POST", "/ui/sign-in", headers=sent, source=source, raw=f"token={token}".encode())


def sign_in(clients: Clients, **link: object) -> BrowserAtWork:
    """Return a browser that an administrator's link has let in."""
    answer = use_token(clients.port, token_of(clients, **link))
    assert answer.status == 303, answer.raw
    pem = clients.api.services.paths.server_certificate.read_text()
    return BrowserAtWork(clients.port, answer.headers["set-cookie"].partition(";")[0], pem)


@contextmanager
def events(browser: BrowserAtWork, **query: str) -> Iterator[Iterator[str | bytes]]:
    """Listen to the server's events as a page does, until it closes."""
    raw = TlsEndpoint("127.0.0.1", browser.port, browser.certificate).open_duplex(60)
    own = Origin(f"https://127.0.0.1:{browser.port}")
    headers = {"Cookie": browser.cookie, "Sec-Fetch-Site": "same-origin"}
    url = f"ws://127.0.0.1:{browser.port}/1.0/events?{urlencode(query)}"  # what is encrypted is so below
    with connect(
        url, sock=raw, origin=own, additional_headers=headers, open_timeout=60, close_timeout=2, ping_interval=None
    ) as socket:
        yield _messages(socket)


def _messages(socket: ClientConnection) -> Iterator[str | bytes]:
    with suppress(ConnectionClosed):
        yield from socket
