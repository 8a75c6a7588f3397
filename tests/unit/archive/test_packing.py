"""Trees as tar streams that end exactly where the last entry ends."""

from __future__ import annotations

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from holdfast.archive.members import END
from holdfast.archive.packing import pack_entries

pytestmark = pytest.mark.root


def pack(tree: Path, prefix: str = "backup/container/") -> bytes:
    sink = io.BytesIO()
    names = sorted(path.name for path in tree.iterdir())
    assert pack_entries(tree, names, prefix, sink) == len(sink.getvalue())
    return sink.getvalue()


@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 127 * 1024, 128 * 1024 - 512, 128 * 1024, 5_000_000])
def test_zeros_at_the_end_belong_to_the_file(tmp_path: Path, size: int) -> None:
    """tar fills its last record with zeros, too."""
    (tmp_path / "zeros").write_bytes(bytes(size))
    stream = pack(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(stream + END)) as tar:
        assert [(member.name, member.size) for member in tar] == [("backup/container/zeros", size)]
    assert len(stream) % 512 == 0
    assert len(stream) - size < 3 * 512 + 512


def test_odd_names(tmp_path: Path) -> None:
    """Names like options, and like the mark that shows the end, are files like others."""
    for name in ("--version", "-C", "@x", "end-0", "a&b", "back\\slash", "*", " "):
        (tmp_path / name).write_text(name)
    stream = pack(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(stream + END)) as tar:
        found = {member.name.removeprefix("backup/container/") for member in tar}
    assert found == {path.name for path in tmp_path.iterdir()}


def test_a_very_long_prefix(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    prefix = f"backup/snapshots/{'s' * 200}/"
    done = subprocess.run(["tar", "-t"], input=pack(tmp_path, prefix) + END, stdout=-1, check=True)
    assert done.stdout.decode().splitlines() == [f"{prefix}file"]


def test_nothing_to_pack(tmp_path: Path) -> None:
    assert pack(tmp_path) == b""
