from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from holdfast.archive.agreement import check_agreement
from holdfast.archive.definition import Definition
from holdfast.archive.idmap import parse_host_map
from holdfast.archive.reader import read_backup_config
from holdfast.model.errors import ArchiveError
from holdfast.model.instance import Instance
from holdfast.wire.backup_index import IndexFormatError, parse_backup_config, parse_index

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DEFINITION = Definition(
    instance=Instance(project="", name="c1", created_at=NOW, pool="tank", config={"user.a": "1"}, profiles=("default",))
)


@pytest.mark.parametrize(
    "document",
    [
        b"name: &a c1\npool: *a\n",
        b"a: &a [x, x]\nb: &b [*a, *a]\nname: *b\n",
        b"name: !!python/object/apply:os.system [id]\n",
        b"name: c1\nname: c2\n",
        b"? [a]\n: b\n",
        b"[" * 100_000,
        b"{a: " * 100_000,
        b"name: [1, 2]\n",
        b"snapshots: {a: b}\n",
        b"config: {container: {config: [1]}}\n",
        b"config: {container: {devices: {root: text}}}\n",
        b"\xff\xfe\x00",
        b"name: \x00\n",
        b"- a\n- b\n",
        b"text",
        b"",
        b"---\nname: a\n---\nname: b\n",
        b"optimized: maybe\n",
    ],
)
def test_threat_hostile_yaml(document: bytes) -> None:
    """Aliases, tags, keys given twice, wrong types and bottomless nesting end in an error, at once."""
    with pytest.raises(IndexFormatError):
        parse_index(document)


def test_texts_stay_texts() -> None:
    index = parse_index(
        b"name: yes\npool: 012\nbackend: 2026-01-02\ntype: 12:30:00\noptimized: true\nsnapshots: [~, no]\n"
    )
    assert (index.name, index.pool, index.backend, index.type) == ("yes", "012", "2026-01-02", "12:30:00")
    assert (index.optimized, index.snapshots) == (True, [None, "no"])


def test_threat_null_fields() -> None:
    """Every field may be null without a crash: read, or refused with an error of ours."""
    golden = Path(__file__).parents[2] / "golden/exports"
    from holdfast.archive.reader import read_index

    assert read_index(golden / "instance-dir.tar.gz").definition is not None
    lines = _document(golden).splitlines(keepends=True)
    for number, line in enumerate(lines):
        key, colon, value = line.partition(b":")
        if not colon:
            continue
        end = number + 1
        if not value.strip():  # a map or list: take its lines along
            indent = len(line) - len(line.lstrip())
            while end < len(lines) and (
                len(lines[end]) - len(lines[end].lstrip()) > indent or lines[end].lstrip().startswith(b"- ")
            ):
                end += 1
        changed = b"".join([*lines[:number], key + b": null\n", *lines[end:]])
        try:
            read_backup_config(changed, pool="")
        except ArchiveError:
            continue


def _document(golden: Path) -> bytes:
    import tarfile

    with tarfile.open(golden / "instance-dir.tar.gz") as tar:
        file = tar.extractfile("backup/container/backup.yaml")
        assert file is not None
        return file.read()


@pytest.mark.parametrize(
    ("change", "what"),
    [
        ({"config": {"user.a": "1", "raw.lxc": "lxc.hook.pre-start=/bin/evil"}}, "config"),
        ({"devices": {"host": {"type": "disk", "source": "/", "path": "/host"}}}, "devices"),
        ({"profiles": ("default", "privileged")}, "profiles"),
        ({"architecture": "aarch64"}, "architecture"),
    ],
)
def test_threat_index_and_backup_yaml_disagree(change: dict[str, Any], what: str) -> None:
    other = replace(DEFINITION, instance=replace(DEFINITION.instance, **change))
    with pytest.raises(ArchiveError, match=f"disagree on the instance's {what}"):
        check_agreement(DEFINITION, other, is_renamed=True)


def test_what_may_differ() -> None:
    lagging = replace(DEFINITION.instance, config={"user.a": "1", "volatile.uuid": "x"})
    check_agreement(DEFINITION, replace(DEFINITION, instance=lagging), is_renamed=False)
    other = replace(DEFINITION, instance=replace(DEFINITION.instance, name="t1"))
    check_agreement(DEFINITION, other, is_renamed=True)
    text = r"^Instance name requested \"c1\" doesn't match instance name in backup config \"t1\"$"
    with pytest.raises(ArchiveError, match=text):
        check_agreement(DEFINITION, other, is_renamed=False)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        '{"a": 1}',
        "[1]",
        '[{"Hostid": -1, "Nsid": 0, "Maprange": 1}]',
        '[{"Hostid": true}]',
        "[" * 70000,
        "[" * 9999,
    ],
)
def test_bad_id_maps_are_refused(text: str) -> None:
    with pytest.raises(ArchiveError):
        parse_host_map(text)


def test_version_2_documents_are_read() -> None:
    document = b"version: 2\ninstance: {name: c1, type: container}\nsnapshots: []\npools: []\nvolumes: []\n"
    assert parse_backup_config(document).instance is not None
    assert read_backup_config(document, pool="tank").instance.name == "c1"
