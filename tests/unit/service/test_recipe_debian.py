from __future__ import annotations

import os
from pathlib import Path

import pytest

from holdfast.host.debian_mirror import DebianMirror
from holdfast.model.errors import InternalError, UnsupportedError
from holdfast.service import recipe_debian
from holdfast.service.recipe_debian import Builder


def ignore(_: object) -> None:
    """Take a report or a way to cancel, and do nothing with it."""


def test_a_missing_mmdebstrap_names_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recipe_debian, "find_program", lambda _: None)
    with pytest.raises(UnsupportedError, match="apt install mmdebstrap"):
        Builder("bookworm")(tmp_path, report=ignore, on_cancel=ignore)


@pytest.mark.root
@pytest.mark.needs("mmdebstrap")
def test_a_mirror_that_does_not_answer_fails_with_its_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mirror = DebianMirror("file:///no/such/mirror/debian", None)
    monkeypatch.setattr(recipe_debian, "find_mirror", lambda: mirror)
    with pytest.raises(InternalError, match="mmdebstrap could not build bookworm") as caught:
        Builder("bookworm")(tmp_path, report=ignore, on_cancel=ignore)
    assert "/no/such/mirror" in str(caught.value)


def test_finishing_writes_no_link_through(tmp_path: Path) -> None:
    """What packages left as links to somewhere is replaced, never written through."""
    outside = tmp_path / "outside"
    outside.write_text("untouched")
    root = tmp_path / "root"
    for folder in ("etc/systemd/system", "etc/apt", "var/log/apt", "var/lib/dbus", "dev", "run", "tmp"):
        (root / folder).mkdir(parents=True)
    for name in ("etc/resolv.conf", "etc/hosts", "etc/machine-id", "etc/hostname", "var/lib/dbus/machine-id"):
        (root / name).symlink_to(outside)
    (root / "dev/null").symlink_to(outside)
    (root / "var/log/apt/history.log").touch()
    recipe_debian._finish(root, ["deb http://mirror.example/debian bookworm main"])
    assert outside.read_text() == "untouched"
    assert (root / "etc/machine-id").read_bytes() == b""
    assert not (root / "etc/hostname").exists()
    assert os.listdir(root / "dev") == []
    assert list((root / "var/log").rglob("*.log")) == []
    assert os.readlink(root / "etc/systemd/system/systemd-udevd.service") == "/dev/null"
