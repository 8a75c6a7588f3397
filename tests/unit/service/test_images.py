from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from holdfast.model.clock import SystemClock
from holdfast.model.errors import (
    BadRequestError,
    CancelledOperationError,
    ConflictError,
    ImageAliasNotFoundError,
    ImageNotFoundError,
    ProjectNotFoundError,
)
from holdfast.model.kinds import InstanceType, OperationClass, StatusCode
from holdfast.service import crashpoints
from holdfast.service.caller import Caller
from holdfast.service.image_add import ImageRequest
from holdfast.service.images import ImageChange
from support.image_world import CALLER, METADATA, ImageWorld, archive, unified


def test_a_unified_image_is_taken_in(world: ImageWorld) -> None:
    content = unified()
    spooled = world.spool(content)
    request = ImageRequest(
        filename="tiny.tar.gz", public=True, properties={"release": "2"}, aliases=(("tiny", "small"),)
    )
    done = world.succeed(world.made.images.add_unified(CALLER, spooled, request))
    fingerprint = hashlib.sha256(content).hexdigest()
    assert done.metadata is not None
    assert (done.metadata["fingerprint"], done.metadata["size"]) == (fingerprint, str(len(content)))
    image = world.made.images.get("default", fingerprint)
    assert (image.architecture, image.filename, image.public, image.is_split) == ("x86_64", "tiny.tar.gz", True, False)
    assert image.properties == {"os": "Tiny", "release": "2", "name": "a"}
    assert image.created_at is not None
    assert image.created_at.timestamp() == 1700000000
    assert world.made.images.by_alias("default", "tiny") == image
    assert world.files() == {fingerprint}
    assert world.paths.image(fingerprint).read_bytes() == content
    assert world.paths.image(fingerprint).stat().st_mode & 0o777 == 0o600
    assert world.intents.list_open() == []
    assert [action for action, _ in world.happened] == ["image-created", "image-alias-created"]


@pytest.mark.parametrize("compression", ["", "gz", "bz2", "xz"])
def test_every_usual_compression_is_taken(world: ImageWorld, compression: str, tmp_path: Path) -> None:
    spooled = world.spool(unified(compression=compression))
    world.succeed(world.made.images.add_unified(CALLER, spooled, ImageRequest()))
    target = tmp_path / "tree"
    target.mkdir()
    world.made.images.unpack_into(world.made.images.list("default")[0], target)
    assert (target / "rootfs/hello").read_bytes() == b"hi"


@pytest.mark.needs("mksquashfs", "root")
@pytest.mark.parametrize("kind", ["squashfs", "tar"])
def test_a_split_image_is_taken_in(world: ImageWorld, kind: str, tmp_path: Path) -> None:
    metadata = archive({"metadata.yaml": METADATA.encode()})
    if kind == "tar":
        rootfs = archive({"./": b"", "./hello": b"hi"}, "xz")
    else:
        (tmp_path / "tree").mkdir()
        (tmp_path / "tree/hello").write_text("hi")
        file = tmp_path / "rootfs.squashfs"
        subprocess.run(["mksquashfs", tmp_path / "tree", file, "-quiet", "-no-progress"], check=True)
        rootfs = file.read_bytes()
    operation = world.made.images.add_split(
        CALLER, world.spool(metadata), world.spool(rootfs, "second"), ImageRequest()
    )
    world.succeed(operation)
    (image,) = world.made.images.list("default")
    assert image.is_split
    assert image.fingerprint == hashlib.sha256(metadata + rootfs).hexdigest()
    assert image.size_bytes == len(metadata) + len(rootfs)
    assert world.files() == {image.fingerprint, f"{image.fingerprint}.rootfs"}
    target = tmp_path / "unpacked"
    target.mkdir()
    world.made.images.unpack_into(image, target)
    assert (target / "rootfs/hello").read_bytes() == b"hi"
    assert (target / "metadata.yaml").is_file()


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"not an archive at all", "Unsupported compression"),
        (b"", "Unsupported compression"),
        (unified()[:-40], "damaged"),
        (archive({"rootfs/": b""}), "metadata.yaml"),
        (archive({"metadata.yaml": METADATA.encode()}), 'no directory "rootfs"'),
        (archive({"metadata.yaml": METADATA.encode(), "rootfs/../../x": b""}), "refused"),
        (archive({"metadata.yaml": b"architecture: z80"}), "unknown architecture"),
        (archive({"metadata.yaml": b"x" * 2**21}), "metadata.yaml"),
    ],
    ids=["other", "empty", "cut", "no metadata", "no root", "leads out", "architecture", "large metadata"],
)
def test_a_bad_file_leaves_nothing(world: ImageWorld, content: bytes, text: str) -> None:
    done = world.wait(world.made.images.add_unified(CALLER, world.spool(content), ImageRequest()))
    assert done.status is StatusCode.FAILURE
    assert text in done.error
    assert world.made.images.list("default") == []
    assert world.files() == set()
    assert world.intents.list_open() == []


@pytest.mark.root
def test_a_full_disk_is_an_error_that_leaves_nothing(world: ImageWorld) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "none", world.paths.images], check=True)
    try:
        content = archive({"metadata.yaml": METADATA.encode(), "rootfs/": b"", "rootfs/big": os.urandom(2**21)})
        done = world.wait(world.made.images.add_unified(CALLER, world.spool(content), ImageRequest()))
        assert done.status is StatusCode.FAILURE
        assert "No space left" in done.error
        assert world.files() == set()
        world.add()
    finally:
        subprocess.run(["umount", world.paths.images], check=True)


def test_the_same_image_twice_is_refused(world: ImageWorld) -> None:
    fingerprint = world.add()
    done = world.wait(world.made.images.add_unified(CALLER, world.spool(unified()), ImageRequest()))
    assert (done.error, done.error_status) == ("Image with same fingerprint already exists", 409)
    assert world.files() == {fingerprint}


def test_a_taken_alias_undoes_the_whole_addition(world: ImageWorld) -> None:
    first = world.add("a", aliases=(("tiny", ""),))
    request = ImageRequest(aliases=(("tiny", ""),))
    done = world.wait(world.made.images.add_unified(CALLER, world.spool(unified("b")), request))
    assert "already exists" in done.error
    assert world.files() == {first}
    assert [image.fingerprint for image in world.made.images.list("default")] == [first]


def test_threat_untrusted_fingerprint(world: ImageWorld) -> None:
    """The sender's fingerprint is compared with ours, and never becomes a file's name."""
    request = ImageRequest(fingerprint="../../../etc/x")
    done = world.wait(world.made.images.add_unified(CALLER, world.spool(unified()), request))
    assert "fingerprints don't match" in done.error
    assert world.files() == set()
    for text in ("../x", "%", "_", "*", "ABC/", ""):
        with pytest.raises(ImageNotFoundError):
            world.made.images.get("default", text)


def test_fingerprints_may_be_shortened_as_long_as_one_fits(world: ImageWorld) -> None:
    fingerprints = [world.add(str(number)) for number in range(20)]
    assert world.made.images.get("default", fingerprints[3][:12]).fingerprint == fingerprints[3]
    assert world.made.images.resolve("default", fingerprints[3][:12].upper()).fingerprint == fingerprints[3]
    with pytest.raises(BadRequestError, match="More than one image"):
        world.made.images.get("default", _shared_beginning(fingerprints))


def _shared_beginning(fingerprints: list[str]) -> str:
    """Twenty fingerprints have sixteen possible first characters: two share theirs."""
    firsts = [fingerprint[0] for fingerprint in fingerprints]
    return next(first for first in firsts if firsts.count(first) > 1)


def test_an_alias_wins_over_a_fingerprint_and_types_count(world: ImageWorld) -> None:
    first, second = world.add("a"), world.add("b")
    world.made.images.aliases.create(CALLER, first[:10], second)
    assert world.made.images.resolve("default", first[:10]).fingerprint == second
    with pytest.raises(ImageNotFoundError):
        world.made.images.resolve("default", first, InstanceType.VIRTUAL_MACHINE)


def test_an_image_is_found_by_properties(world: ImageWorld) -> None:
    world.add("a", properties={"release": "1"})
    newer = world.add("b", properties={"release": "1"})
    world.add("c", properties={"release": "2"})
    assert world.made.images.by_properties("default", {"os": "Tiny", "release": "1"}).fingerprint == newer
    with pytest.raises(ImageNotFoundError):
        world.made.images.by_properties("default", {"release": "3"})


def test_changes_beside_the_content(world: ImageWorld) -> None:
    fingerprint = world.add()
    world.made.images.update(CALLER, fingerprint[:8], ImageChange(public=True, properties={"os": "Other"}))
    image = world.made.images.get("default", fingerprint)
    assert (image.public, image.properties, image.profiles) == (True, {"os": "Other"}, ("default",))
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    for change, expected in (
        (ImageChange(expires_at=moment), moment),
        (ImageChange(), moment),
        (ImageChange(replaces_expiry=True), None),
    ):
        world.made.images.update(CALLER, fingerprint, change)
        assert world.made.images.get("default", fingerprint).expires_at == expected
    with pytest.raises(ImageNotFoundError):
        world.made.images.update(CALLER, "ffff0000", ImageChange())


def test_deleting_takes_files_and_aliases(world: ImageWorld) -> None:
    fingerprint = world.add(aliases=(("one", ""), ("two", "")))
    done = world.succeed(world.made.images.delete(CALLER, fingerprint[:10]))
    assert done.resources == {"images": (f"/1.0/images/{fingerprint}",)}
    assert world.files() == set()
    assert world.made.images.aliases.list("default") == []
    with pytest.raises(ImageNotFoundError):
        world.made.images.delete(CALLER, fingerprint)


def test_projects_share_files_but_not_records(world: ImageWorld) -> None:
    world.projects.create(CALLER, "other", "", {"features.images": "true"})
    world.projects.create(CALLER, "guest", "", {"features.images": "false"})
    other = Caller("other")
    fingerprint = world.add()
    with pytest.raises(ImageNotFoundError):
        world.made.images.get("other", fingerprint)
    assert world.made.images.get("guest", fingerprint).project == "default"
    world.add(caller=other)
    world.succeed(world.made.images.delete(CALLER, fingerprint))
    assert world.files() == {fingerprint}
    assert world.made.images.get("other", fingerprint).project == "other"
    world.succeed(world.made.images.delete(other, fingerprint))
    assert world.files() == set()
    with pytest.raises(ProjectNotFoundError):
        world.made.images.list("nowhere")


def test_aliases_live_their_life(world: ImageWorld) -> None:
    first, second = world.add("a"), world.add("b")
    aliases = world.made.images.aliases
    aliases.create(CALLER, "debian/12", first[:12], "a real system")
    assert aliases.get("default", "debian/12").target == first
    with pytest.raises(ConflictError):
        aliases.create(CALLER, "debian/12", second)
    aliases.update(CALLER, "debian/12", target=second)
    assert aliases.get("default", "debian/12").description == "a real system"
    assert aliases.get("default", "debian/12").target == second
    aliases.rename(CALLER, "debian/12", "bookworm")
    with pytest.raises(ImageAliasNotFoundError):
        aliases.get("default", "debian/12")
    aliases.delete(CALLER, "bookworm")
    with pytest.raises(ImageAliasNotFoundError):
        aliases.delete(CALLER, "bookworm")
    with pytest.raises(ImageNotFoundError):
        aliases.create(CALLER, "new", "ffff0000")
    assert [action for action, _ in world.happened if "alias" in action] == [
        "image-alias-created",
        "image-alias-updated",
        "image-alias-renamed",
        "image-alias-deleted",
    ]


@pytest.mark.parametrize("name", ["", "a b", "a//b", "../x", "a/..", "/a", "x" * 256, "a\nb"])
def test_threat_alias_names(world: ImageWorld, name: str) -> None:
    fingerprint = world.add()
    with pytest.raises(BadRequestError):
        world.made.images.aliases.create(CALLER, name, fingerprint)
    spooled = world.spool(unified("b"))
    with pytest.raises(BadRequestError):
        world.made.images.add_unified(CALLER, spooled, ImageRequest(aliases=((name, ""),)))
    assert world.files() == {fingerprint}


class PowerCutError(BaseException):
    """Stands for the end of the process at a crash point."""


def cut_at(monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    def reach(reached: str) -> None:
        if reached == point:
            raise PowerCutError

    for module in ("image_add", "image_delete"):
        monkeypatch.setattr(f"holdfast.service.{module}.reach", reach)


def run_to_the_cut(world: ImageWorld, monkeypatch: pytest.MonkeyPatch, work: Callable[[], None]) -> None:
    """Run work that is cut, with no undoing on the way: what a dead process leaves."""
    monkeypatch.setattr("holdfast.service.image_add.ImageAdder.undo", lambda *_: None)
    with pytest.raises(PowerCutError):
        work()
    monkeypatch.undo()


def points(kind: str) -> list[str]:
    return [point for point in crashpoints.ALL_POINTS if point.startswith(f"{kind}:")]


@pytest.mark.parametrize("point", points("image-add"))
def test_a_cut_addition_is_whole_or_gone(world: ImageWorld, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    handle = world.operations.open(CALLER, "test", operation_class=OperationClass.TASK)
    adder = world.made.images._adder

    def work() -> None:
        with adder.staging("default") as (intent, _):
            adder.take(intent, world.spool(unified()), None)
            adder.enter(CALLER, intent, ImageRequest(), handle)

    cut_at(monkeypatch, point)
    run_to_the_cut(world, monkeypatch, work)
    handle.end_cancelled()
    restart(world)
    recorded = {image.fingerprint for image in world.made.images.list("default")}
    assert {name for name in world.files() if not name.startswith("incoming/")} == recorded
    assert bool(recorded) == (point == "image-add:committed")
    if not recorded:
        world.add()


@pytest.mark.parametrize("point", points("image-delete"))
def test_a_cut_deletion_is_carried_to_its_end(world: ImageWorld, monkeypatch: pytest.MonkeyPatch, point: str) -> None:
    fingerprint = world.add(aliases=(("tiny", ""),))
    image = world.made.images.get("default", fingerprint)
    cut_at(monkeypatch, point)
    run_to_the_cut(world, monkeypatch, lambda: world.made.images._deleter.delete(CALLER, image))
    restart(world)
    assert world.made.images.list("default") == []
    assert world.files() == set()


def restart(world: ImageWorld) -> None:
    """Do what a start does after a crash."""
    world.recovery.run()
    world.made.discard_leftovers()
    assert world.intents.list_open() == []


def test_a_cancelled_addition_leaves_nothing(world: ImageWorld) -> None:
    handle = world.operations.open(CALLER, "test", operation_class=OperationClass.TASK, may_cancel=True)
    handle.request_cancel()
    adder = world.made.images._adder
    with pytest.raises(CancelledOperationError), adder.staging("default") as (intent, _):
        adder.take(intent, world.spool(unified()), None)
        adder.enter(CALLER, intent, ImageRequest(), handle)
    handle.end_cancelled()
    assert world.files() == set()
    assert world.intents.list_open() == []


def test_cached_images_go_when_nothing_was_made_of_them(world: ImageWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was asked for by itself stays, and so does what was used meanwhile."""
    kept, unused, used = world.add("kept"), world.add("unused", cached=True), world.add("used", cached=True)
    now = SystemClock().now()

    def after(days: int) -> None:
        monkeypatch.setattr("holdfast.model.clock.SystemClock.now", lambda _: now + timedelta(days=days))

    def names() -> set[str]:
        return {image.fingerprint for image in world.made.images.list("default")}

    after(9)
    world.made.images.touch(world.made.images.get("default", used))
    world.made.images.prune_cached(10)
    assert names() == {kept, unused, used}
    after(11)
    world.made.images.prune_cached(0)
    assert names() == {kept, unused, used}
    world.made.images.prune_cached(10)
    assert names() == {kept, used} == world.files()
