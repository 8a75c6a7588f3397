"""What a start is planned from and what a failed one tells."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.model.errors import BadRequestError, RuntimeFailure
from holdfast.runtime.base import BindMount, IdMap, StartSpec
from holdfast.runtime.lxc.check import FALLBACK_IDMAP, default_idmap
from holdfast.runtime.lxc.launch import write_hooks
from holdfast.runtime.lxc.mounts import MountPlan
from holdfast.runtime.lxc.start import plan_mounts, useful_log_end

LOG = """\
lxc-start holdfast-1-c1 20261123132511.476 WARN     cgfsng - ../src/lxc/cgfsng.c:fchowmodat:1619 - No such file
lxc-start holdfast-1-c1 20261123132511.477 ERROR    dir - ../src/lxc/storage/dir.c:dir_mount:163 - Permission denied
lxc-start holdfast-1-c1 20261123132511.478 ERROR    conf - ../src/lxc/conf.c:lxc_setup:4375 - Failed to setup rootfs
lxc-start holdfast-1-c1 20261123132511.479 ERROR    conf - ../src/lxc/conf.c:lxc_setup:4376 - Failed to setup rootfs
some line of another kind
"""


def test_log_end_has_each_error_once() -> None:
    assert useful_log_end(LOG) == "Permission denied; Failed to setup rootfs"
    assert useful_log_end("") == ""


@pytest.fixture
def spec(tmp_path: Path) -> StartSpec:
    return StartSpec(
        key="c1",
        hostname="c1",
        rootfs=tmp_path / "rootfs",
        architecture="x86_64",
        idmap=IdMap(host_base=100000, size=65536),
        is_rootfs_shifted=False,
        config={},
        log_dir=tmp_path,
    )


def test_plan_keeps_what_is_there_and_survives_storing(spec: StartSpec, tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    mounts = (
        BindMount(source=tmp_path / "source", path="/mnt", is_read_only=True, use_idmap=True),
        BindMount(source=tmp_path / "absent", path="/other", is_optional=True),
    )
    plan = plan_mounts(replace(spec, mounts=mounts), "name")
    assert [mount.path for mount in plan.mounts] == ["/mnt"]
    assert plan.mounts[0].use_idmap
    assert plan.stage is None
    plan.write(tmp_path)
    assert MountPlan.read(tmp_path) == plan
    privileged = plan_mounts(replace(spec, mounts=mounts, idmap=None), "name")
    assert not privileged.mounts[0].use_idmap


def test_only_a_shifted_root_is_staged(spec: StartSpec) -> None:
    assert plan_mounts(replace(spec, is_rootfs_shifted=True), "name").stage is not None
    assert plan_mounts(replace(spec, is_rootfs_shifted=True, idmap=None), "name").stage is None


def test_mounts_that_are_refused(spec: StartSpec, tmp_path: Path) -> None:
    with pytest.raises(RuntimeFailure, match="absent"):
        plan_mounts(replace(spec, mounts=(BindMount(source=tmp_path / "absent", path="/x"),)), "name")
    for path in ("/", "", "/a/../../b"):
        with pytest.raises(BadRequestError):
            plan_mounts(replace(spec, mounts=(BindMount(source=tmp_path, path=path),)), "name")


def test_hooks_are_written_only_where_needed(spec: StartSpec, tmp_path: Path) -> None:
    plain = write_hooks(tmp_path, "name", tmp_path / "log", plan_mounts(spec, "name"))
    assert list(plain) == ["post-stop"]
    staged = plan_mounts(replace(spec, is_rootfs_shifted=True), "name")
    assert set(write_hooks(tmp_path, "name", tmp_path / "log", staged)) == {"post-stop", "start-host", "pre-start"}
    assert plain["post-stop"].stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("users", "groups", "expected"),
    [
        ("a:5:65536\nroot:100000:1000000\n", "root:100000:65536\n", IdMap(host_base=100000, size=65536)),
        ("root:100000:1000\n", "root:100000:1000\n", FALLBACK_IDMAP),
        ("root:100000:65536\n", "root:200000:65536\n", FALLBACK_IDMAP),
        ("root:x:y\n\n#\n", "", FALLBACK_IDMAP),
    ],
)
def test_default_idmap(tmp_path: Path, users: str, groups: str, expected: IdMap) -> None:
    (tmp_path / "subuid").write_text(users)
    (tmp_path / "subgid").write_text(groups)
    assert default_idmap(tmp_path / "subuid", tmp_path / "subgid") == expected
    assert default_idmap(tmp_path / "absent", tmp_path / "absent") == FALLBACK_IDMAP
