"""Which addresses are told to clients."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.db.database import Database, sqlite_url
from holdfast.host.network import addresses_of_host
from holdfast.service.caller import INTERNAL
from holdfast.service.events import EventBus
from holdfast.service.listening import ListeningAddresses
from holdfast.service.server_config import ServerConfigService

HOST = ["127.0.0.1", "::1", "10.0.0.5", "fe80::1", "2001:db8::5"]


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("", []),
        ("127.0.0.1:9", ["127.0.0.1:9"]),
        ("backup.example", ["backup.example:8443"]),
        ("[::1]:9", ["[::1]:9"]),
        (":9", ["10.0.0.5:9", "[2001:db8::5]:9"]),
        ("[::]:9", ["10.0.0.5:9", "[2001:db8::5]:9"]),
        ("0.0.0.0:9", ["10.0.0.5:9"]),
    ],
)
def test_addresses(tmp_path: Path, address: str, told: list[str]) -> None:
    database = Database(sqlite_url(tmp_path / "db"))
    database.migrate()
    config = ServerConfigService(database=database, events=EventBus())
    config.patch(INTERNAL, {"core.https_address": address})
    assert ListeningAddresses(config, lambda: HOST).list() == told
    database.close()


def test_loopback_is_among_the_addresses_of_this_host() -> None:
    assert "127.0.0.1" in addresses_of_host()
