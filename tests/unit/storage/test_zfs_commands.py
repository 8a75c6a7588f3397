"""The command lines of every verb on zfs, as they were when they ran for real (`tests/golden/zfs`).

`HOLDFAST_TAKE_TRANSCRIPTS=1` takes them anew, as root where the kernel has ZFS.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from support.zfs_scenarios import SCENARIOS, Scene
from support.zfs_transcripts import GOLDEN, Player, Taker, in_place


@pytest.mark.parametrize("name", SCENARIOS)
def test_verbs_run_these_commands(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = GOLDEN / f"{name}.transcript"
    takes = os.environ.get("HOLDFAST_TAKE_TRANSCRIPTS") == "1"
    teller = Taker(tmp_path, file) if takes else Player(tmp_path, file.read_text())
    with in_place(teller, monkeypatch):
        SCENARIOS[name](Scene(tmp_path, teller))
