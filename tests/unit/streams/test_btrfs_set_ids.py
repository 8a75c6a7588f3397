"""Files with set-id bits are followed through a difference, whatever names they have meanwhile."""

from __future__ import annotations

import pytest

from holdfast.streams.btrfs_set_ids import CHMOD, CHOWN, LINK, LINK_PATH, NEW_PATH, PATH, RENAME, UNLINK, SetIds

WRITE = 15
FILES = {b"bin/su": (7, 0o4755), b"bin/again": (7, 0o4755), b"bin/write": (8, 0o2755)}


def own(path: str) -> tuple[int, dict[int, bytes]]:
    return CHOWN, {PATH: path.encode()}


def mode(path: str) -> tuple[int, dict[int, bytes]]:
    return CHMOD, {PATH: path.encode()}


def rename(old: str, new: str) -> tuple[int, dict[int, bytes]]:
    return RENAME, {PATH: old.encode(), NEW_PATH: new.encode()}


def link(new: str, old: str) -> tuple[int, dict[int, bytes]]:
    return LINK, {PATH: new.encode(), LINK_PATH: old.encode()}


def unlink(path: str) -> tuple[int, dict[int, bytes]]:
    return UNLINK, {PATH: path.encode()}


OTHER = (WRITE, dict[int, bytes]())


@pytest.mark.parametrize(
    ("commands", "missing"),
    [
        pytest.param([own("bin/write"), OTHER], {b"bin/write": 0o2755}, id="an owner alone"),
        pytest.param([own("bin/write"), mode("bin/write"), OTHER], {}, id="a mode with it"),
        pytest.param([own("bin/write"), mode("bin/su"), OTHER], {b"bin/write": 0o2755}, id="the mode of another"),
        pytest.param([own("bin/ls"), OTHER], {}, id="a file without the bits"),
        pytest.param([own("bin/su"), OTHER], {b"bin/su": 0o4755}, id="one of two names"),
        pytest.param([own("bin/su"), OTHER, unlink("bin/su")], {b"bin/again": 0o4755}, id="a name that goes"),
        pytest.param([unlink("bin/su"), unlink("bin/again"), own("bin/su"), OTHER], {}, id="another in its place"),
        pytest.param([rename("bin", "sbin"), own("sbin/write"), OTHER], {b"sbin/write": 0o2755}, id="renamed before"),
        pytest.param([own("bin/write"), OTHER, rename("bin", "o7")], {b"o7/write": 0o2755}, id="renamed afterwards"),
        pytest.param([rename("bi", "x"), own("bin/write"), OTHER], {b"bin/write": 0o2755}, id="half a name"),
        pytest.param(
            [link("new", "bin/write"), unlink("bin/write"), own("new"), OTHER], {b"new": 0o2755}, id="a new name"
        ),
    ],
)
def test_missing_bits(commands: list[tuple[int, dict[int, bytes]]], missing: dict[bytes, int]) -> None:
    followed = SetIds(lambda: FILES)
    for command, values in commands:
        followed.follow(command, values)
    assert followed.missing() == missing


def test_many_new_names_are_not_kept_in_memory() -> None:
    asked = []
    followed = SetIds(lambda: asked.append(True) or FILES)
    commands = [rename(f"o{number}", f"bin/{number}") for number in range(30_000)]
    for command, values in (rename("bin", "tools"), *commands, own("tools/write"), OTHER):
        followed.follow(command, values)
    assert followed.missing() == {b"tools/write": 0o2755}
    assert asked == [True]


def test_a_directory_with_many_files_is_renamed_in_one_step() -> None:
    followed = SetIds(lambda: {b"d/%d" % number: (number, 0o4755) for number in range(20_000)})
    followed.follow(*own("d/7"))
    for number in range(20_000):
        followed.follow(*rename("d" if number == 0 else f"d{number}", f"d{number + 1}"))
    assert followed.missing() == {b"d20000/7": 0o4755}


def test_the_base_is_looked_at_only_if_an_owner_changes_alone() -> None:
    followed = SetIds(lambda: pytest.fail("looked"))
    for command, values in (own("new"), mode("new"), rename("new", "bin/new"), OTHER):
        followed.follow(command, values)
    assert followed.missing() == {}
