"""A day with volumes in our own words, against any server that speaks the API."""

from __future__ import annotations

from support.cli import Cli


def volumes_day(cli: Cli, pool: str, other: str) -> None:
    """Say every word about volumes once on an image `tiny`, check what each has done; leave nothing behind."""
    try:
        _day(cli, pool, other)
    finally:
        cli.result("delete", "--force", "keeper")
        cli.result("profile", "delete", "shared")
        for place in (pool, other):
            for name in ("files", "files2", "old", "moved", "disk"):
                cli.result("storage", "volume", "delete", place, name)


def _day(cli: Cli, pool: str, other: str) -> None:
    def volume(*words: str, stdin: str = "") -> str:
        return cli.run("storage", "volume", *words, stdin=stdin)

    cli.run("launch", "tiny", "keeper", "-s", pool)
    assert volume("create", pool, "files", "user.a=1") == "Storage volume files created\n"
    assert volume("create", pool, "disk", "--type=block", "size=1MiB") == "Storage volume disk created\n"
    volume("attach", pool, "files", "keeper", "/data")
    assert "Device already exists: files" in cli.fails("storage", "volume", "attach", pool, "files", "keeper", "/x")
    cli.run("exec", "keeper", "--", "sh", "-c", "echo old > /data/file")
    _keys(cli, pool)
    volume("snapshot", pool, "files", "one", "--no-expiry")
    volume("snapshot", pool, "files", "one", "--reuse")
    volume("snapshot", pool, "files")
    said = volume("rename", pool, "files/snap0", "files/two")
    assert said == 'Renamed storage volume from "files/snap0" to "files/two"\n'
    volume("edit", pool, "files/two", stdin="description: a note\nexpires_at: 2035-01-02T03:04:05Z\n")
    info = volume("info", pool, "files") if pool == "bt" else volume("show", pool, "files/two")
    assert "a note" in info
    cli.run("exec", "keeper", "--", "sh", "-c", "echo new > /data/file")
    assert "used by running instances" in cli.fails("storage", "volume", "restore", pool, "files", "one")
    volume("detach", pool, "files", "keeper")
    assert "No device found" in cli.fails("storage", "volume", "detach", pool, "files", "keeper")
    volume("restore", pool, "files", "one")
    volume("attach", pool, "files", "keeper", "again", "/data")
    assert cli.run("exec", "keeper", "--", "cat", "/data/file") == "old\n"
    volume("detach", pool, "files", "keeper", "again")
    if "holdfast_snapshot_hold" in cli.run("query", "/1.0"):
        _holds(cli, pool)
    _places(cli, pool, other)
    listed = volume("list", pool, "type=custom", "--format", "csv")
    assert "custom,files,by hand,filesystem,0\n" in listed
    assert "custom (snapshot),files/two,a note,filesystem,0\n" in listed
    assert volume("delete", pool, "files/two") == "Storage volume files/two deleted\n"
    assert volume("delete", pool, "files") == "Storage volume files deleted\n"


def _holds(cli: Cli, pool: str) -> None:
    """Hold the snapshot `two` of `files`: nothing removes it before its release."""
    words = ("storage", "volume")
    cli.run(*words, "hold", pool, "files/two")
    assert "held: true" in cli.run(*words, "show", pool, "files/two")
    cli.run(*words, "edit", pool, "files/two", stdin="description: a note\nexpires_at: 2036-01-02T03:04:05Z\n")
    remedy = f"release first with `holdfast storage volume release {pool} files/two`"
    assert remedy in cli.fails(*words, "delete", pool, "files/two")
    assert remedy in cli.fails(*words, "delete", pool, "files")
    assert remedy in cli.fails(*words, "snapshot", pool, "files", "two", "--reuse")
    assert "YES" in cli.run(*words, "info", pool, "files")
    assert "give VOLUME/SNAPSHOT" in cli.fails(*words, "hold", pool, "files")
    assert "not found" in cli.fails(*words, "release", pool, "files/two", "files/nope")
    assert "held: true" in cli.run(*words, "show", pool, "files/two")
    cli.run(*words, "release", pool, "files/two")
    cli.run(*words, "edit", pool, "files/two", stdin="description: a note\nheld: true\n")
    assert "held: true" in cli.run(*words, "show", pool, "files/two")
    cli.run(*words, "release", pool, "files/two")


def _keys(cli: Cli, pool: str) -> None:
    def volume(*words: str, stdin: str = "") -> str:
        return cli.run("storage", "volume", *words, stdin=stdin)

    assert volume("get", pool, "files", "user.a") == "1\n"
    volume("set", pool, "files", "user.b=2", "snapshots.expiry=1d")
    volume("unset", pool, "files", "user.a")
    volume("unset", pool, "files", "user.a")
    assert volume("get", pool, "files", "user.a") == ""
    cli.run("storage", "unset", pool, "user.nothing")
    assert cli.run("storage", "get", pool, "user.nothing") == ""
    shown = volume("show", pool, "files")
    assert "user.b" in shown
    assert "user.a" not in shown
    assert "/1.0/instances/keeper" in shown
    volume("edit", pool, "files", stdin=shown.replace('description: ""', "description: by hand"))
    assert "by hand" in volume("show", pool, "files")
    assert 'option "nope"' in cli.fails("storage", "volume", "set", pool, "files", "nope=1")
    assert "belongs to an instance" in cli.fails("storage", "volume", "set", pool, "container/keeper", "user.a=1")


def _places(cli: Cli, pool: str, other: str) -> None:
    def volume(*words: str) -> str:
        return cli.run("storage", "volume", *words)

    said = volume("copy", f"{pool}/files", f"{other}/files2")
    assert said == "Storage volume copied successfully!\n"
    volume("copy", f"{pool}/files", f"{other}/files2", "--refresh")
    volume("copy", f"{pool}/files/one", f"{pool}/old")
    assert "already exists" in cli.fails("storage", "volume", "copy", f"{pool}/files", f"{pool}/old")
    cli.run("profile", "create", "shared")
    volume("attach-profile", other, "files2", "shared", "/shared")
    assert "/1.0/profiles/shared" in volume("show", other, "files2")
    volume("detach-profile", other, "files2", "shared")
    assert volume("move", f"{other}/files2", f"{pool}/moved") == "Storage volume moved successfully!\n"
    assert volume("rename", pool, "moved", "files2") == 'Renamed storage volume from "moved" to "files2"\n'
    assert volume("delete", pool, "files2") == "Storage volume files2 deleted\n"
