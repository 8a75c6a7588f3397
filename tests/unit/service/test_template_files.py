"""Templates as files, in trees that anyone may have made."""

from __future__ import annotations

from pathlib import Path

import pytest

from holdfast.model.errors import BadRequestError, NotFoundError
from holdfast.service import template_files


def test_there_and_back(tmp_path: Path) -> None:
    assert template_files.names(tmp_path) == []
    template_files.write(tmp_path, "b.tpl", b"one")
    template_files.write(tmp_path, "b.tpl", b"two")
    template_files.write(tmp_path, "a.tpl", b"")
    assert template_files.names(tmp_path) == ["a.tpl", "b.tpl"]
    assert template_files.read(tmp_path, "b.tpl") == b"two"
    template_files.remove(tmp_path, "b.tpl")
    assert template_files.names(tmp_path) == ["a.tpl"]


@pytest.mark.parametrize("name", ["", ".", "..", "../metadata.yaml", "a/b", "a\0b", ".hidden", "x" * 300])
def test_threat_names_that_lead_elsewhere(tmp_path: Path, name: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "metadata.yaml").write_text("architecture: x86_64\n")
    for attempt in (template_files.read, template_files.remove):
        with pytest.raises(BadRequestError, match="Invalid template filename"):
            attempt(tmp_path, name)
    with pytest.raises(BadRequestError, match="Invalid template filename"):
        template_files.write(tmp_path, name, b"x")
    assert (tmp_path / "metadata.yaml").read_text() == "architecture: x86_64\n"


def test_what_is_not_there(tmp_path: Path) -> None:
    for attempt in (template_files.read, template_files.remove):
        with pytest.raises(NotFoundError, match='Template "a" not found'):
            attempt(tmp_path, "a")


def test_threat_links_among_templates(tmp_path: Path) -> None:
    """Neither a link in the place of a template nor one in the place of their folder is followed."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    volume = tmp_path / "volume"
    (volume / "templates").mkdir(parents=True)
    (volume / "templates" / "link").symlink_to(outside / "secret")
    assert template_files.names(volume) == []
    with pytest.raises(BadRequestError, match="can't be used"):
        template_files.read(volume, "link")
    template_files.write(volume, "link", b"mine")
    assert (outside / "secret").read_text() == "secret"
    other = tmp_path / "other"
    other.mkdir()
    (other / "templates").symlink_to(outside)
    with pytest.raises(BadRequestError, match="can't be used"):
        template_files.write(other, "new", b"x")
    assert [each.name for each in outside.iterdir()] == ["secret"]
