"""The page on volumes, tried command by command in its order, as a new user would."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from support.holdfast import HoldfastServer
from support.images import make_tiny_image

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]

PAGE = Path(__file__).parents[2] / "docs" / "how-to" / "volumes.md"


def _commands() -> list[str]:
    blocks = re.findall(r"```\n(.*?)```", PAGE.read_text(), re.DOTALL)
    lines = [line for block in blocks for line in block.splitlines() if line.startswith("holdfast ")]
    return [line for line in lines if " edit " not in line]  # those open an editor


def test_every_command_of_the_page_works(
    server: HoldfastServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On an instance `web` and pools `default` (dir) and `fast` (btrfs); files come into the directory of the test."""
    monkeypatch.chdir(tmp_path)
    for words in (
        ("image", "import", make_tiny_image(tmp_path / "tiny.tar.gz"), "--alias", "tiny"),
        ("storage", "create", "fast", "btrfs", "size=1GiB"),
        ("profile", "device", "add", "default", "root", "disk", "path=/", "pool=default"),
        ("launch", "tiny", "web"),
        ("exec", "web", "--", "mkdir", "-p", "/srv"),
    ):
        server.holdfast(*words)
    commands = _commands()
    assert len(commands) > 30
    for line in commands:
        done = server.holdfast(*shlex.split(line, comments=True)[1:])
        assert done.returncode == 0, f"{line}: {done.stderr}"
    assert server.holdfast("exec", "web", "--", "ls", "/srv/data").stdout == "hello\n"
