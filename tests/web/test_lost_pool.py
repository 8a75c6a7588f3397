"""A pool whose disk is lost for good: the page says so, and takes its records away, by the keyboard alone."""

from __future__ import annotations

import shutil

import pytest
from playwright.sync_api import Browser, expect

from holdfast.host.mounts import unmount
from support.holdfast import HoldfastServer, short_directory
from support.http import ask
from support.keyboard import Keyboard
from support.ports import free_port
from support.webpage import signed_in

pytestmark = [pytest.mark.root, pytest.mark.needs("lxc", "chromium")]


def test_a_lost_pool_is_deleted_with_its_records(chromium: Browser) -> None:
    directory = short_directory()
    disk = directory / "disk"
    disk.mkdir()
    with HoldfastServer(directory / "s") as server:
        for words in (
            ("storage", "create", "usb", "dir", f"source={disk}"),
            ("storage", "volume", "create", "usb", "papers"),
            ("config", "set", f"core.https_address=127.0.0.1:{free_port()}"),
        ):
            assert server.holdfast(*words).returncode == 0
        server.stop()
        unmount(server.directory / "storage-pools/usb")  # as the end of the machine does
        disk.rename(directory / "away")
        disk.mkdir()
        server.start()
        with signed_in(chromium, server, locale="en-GB") as web:
            web.open("/pools")
            expect(web.row("usb")).to_contain_text("Unavailable")
            web.open("/pools/usb")
            expect(web.page.get_by_role("main")).to_contain_text("The server doesn't find its disk")
            keys = Keyboard(web)
            keys.ask("The disk is lost…", "Delete the lost pool usb")
            expect(web.dialog).to_contain_text("The record of the one thing that was in it goes")
            web.says("holdfast storage delete usb --force")
            keys.fill_in("Type usb to confirm", "usb")
            keys.submit("Delete")
            expect(web.page.get_by_role("heading", name="Pools")).to_be_visible()
        assert ask(server.socket, "GET", "/1.0/storage-pools/usb").status == 404
        assert list(disk.iterdir()) == []
    shutil.rmtree(directory)
