from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from holdfast.archive.image_metadata import ImageMetadata, dump, parse
from holdfast.model.errors import ArchiveError


def test_what_is_written_is_read_again() -> None:
    metadata = ImageMetadata(
        architecture="aarch64",
        created_at=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        expires_at=datetime(2027, 1, 2, tzinfo=UTC),
        properties={"os": "Debian", "description": "käse: yes", "release": "12"},
        templates={"/etc/hosts": {"when": ["create"], "template": "hosts.tpl", "create_only": False}},
    )
    assert parse(dump(metadata)) == metadata


_TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(_TEXT, _TEXT))
def test_any_properties_survive(properties: dict[str, str]) -> None:
    assert parse(dump(ImageMetadata(architecture="x86_64", properties=properties))).properties == properties


def test_numbers_and_missing_values_are_taken_as_people_write_them() -> None:
    metadata = parse(b"architecture: amd64\ncreation_date: 0\nproperties: {release: 12.5, serial: 20260101, empty: }\n")
    assert metadata.architecture == "x86_64"
    assert metadata.created_at is None
    assert metadata.properties == {"release": "12.5", "serial": "20260101", "empty": ""}


@pytest.mark.parametrize(
    ("document", "text"),
    [
        (b"", "architecture"),
        (b"[]", "not a mapping"),
        (b"architecture: 5", "architecture"),
        (b"architecture: z80", "unknown architecture"),
        (b"architecture: x86_64\ncreation_date: soon", "creation_date"),
        (b"architecture: x86_64\ncreation_date: 99999999999999999", "out of range"),
        (b"architecture: x86_64\nproperties: [1]", "properties is not a mapping"),
        (b"architecture: x86_64\nproperties: {a: [1]}", "properties.a"),
        (b"architecture: x86_64\nproperties: {a: 0x" + b"f" * 9000 + b"}", "properties.a"),
        (b"architecture: x86_64\ntemplates: text", "templates is not a mapping"),
        (b"architecture: x86_64\ntemplates: {a: {when: 2026-11-23}}", "templates"),
        (b"architecture: x86_64\ntemplates: {a: !!binary aGk=}", "templates"),
        (b"architecture: x86_64\ntemplates: {a: .inf}", "templates"),
        (b"architecture: x86_64\ntemplates: {a: 0x" + b"f" * 9000 + b"}", "templates"),
        (b"architecture: x86_64\ntemplates: {a: " + b"[" * 20 + b"]" * 20 + b"}", "templates"),
        (b"architecture: [", "not YAML"),
        (b"\xff\xfe\x00", "not YAML"),
        (b"a: " + b"[" * 5000, "not YAML"),
        (b"!!python/object/apply:os.system [id]", "not YAML"),
    ],
)
def test_threat_image_metadata_of_the_wrong_shape(document: bytes, text: str) -> None:
    with pytest.raises(ArchiveError, match=text):
        parse(document)


@given(st.binary(max_size=300))
def test_threat_image_metadata_fuzz(document: bytes) -> None:
    """Any bytes give metadata or a clear error, nothing else."""
    try:
        parse(b"architecture: x86_64\n" + document)
    except ArchiveError as error:
        assert str(error)


def test_threat_unbounded_yaml() -> None:
    bomb = b"architecture: x86_64\na: &a [x,x,x,x,x,x,x,x,x]\n"
    for level in range(1, 10):
        name, former = bytes([97 + level]), bytes([96 + level])
        bomb += name + b": &" + name + b" [" + b",".join([b"*" + former] * 9) + b"]\n"
    with pytest.raises(ArchiveError, match="aliases"):
        parse(bomb)
    with pytest.raises(ArchiveError, match="larger than 1 MiB"):
        parse(b"architecture: x86_64\n#" + b"x" * 2**20)
