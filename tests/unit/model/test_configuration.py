"""Configuration keys of instances, profiles, server and projects."""

from __future__ import annotations

import pytest

from holdfast.model.config_keys import changed_keys, check_protected_keys
from holdfast.model.errors import BadRequestError
from holdfast.model.instance_keys import (
    INSTANCE_KEYS,
    check_instance_config,
    check_profile_config,
    copied_config,
    is_live,
)
from holdfast.model.server_keys import PROJECT_KEYS, SERVER_KEYS


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("user.anything.at.all", "line\nbreak"),
        ("environment.PATH", "/bin"),
        ("image.os", "Debian"),
        ("limits.kernel.nofile", "1000:2000"),
        ("linux.sysctl.net.ipv4.ip_forward", "1"),
        ("snapshots.schedule", "@daily, 0 6 * * *"),
        ("snapshots.schedule", ""),
        ("snapshots.expiry", "1d 2H"),
        ("snapshots.pattern", '{{ creation_date|date:"2006" }}-%d'),
        ("boot.autostart", "True"),
        ("boot.autostart.priority", "-5"),
        ("limits.memory", "50%"),
        ("limits.memory", "512MiB"),
        ("limits.cpu", "0-3,5"),
        ("limits.cpu.allowance", "25ms/100ms"),
        ("volatile.uuid", "0b0c3c4f-6a1d-4f7e-9d7e-000000000001"),
        ("volatile.eth0.hwaddr", "00:16:3e:00:00:01"),
        ("volatile.eth0.last_state.created", "true"),
        ("volatile.last_state.idmap", "[]"),
        ("raw.lxc", "lxc.aa_profile = x\nlxc.y = z"),
        ("raw.lxc", "# a remark\n\nlxc.cap.drop="),
        ("user.user-data", "#cloud-config\na: b\n"),
        ("security.nesting", "1"),
    ],
)
def test_accepted(key: str, value: str) -> None:
    check_instance_config({key: value})


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("nope.key", "1", "^Unknown configuration key: nope.key$"),
        ("user.", "1", "^Unknown configuration key: user.$"),
        ("volatile.nope", "1", "^Unknown configuration key: volatile.nope$"),
        ("volatile..name", "1", "^Unknown configuration key"),
        ("boot.autostart", "maybe", r'^Invalid value for a boolean "maybe" \(boot\.autostart\)$'),
        ("snapshots.expiry", "3x", r'^Invalid expiry expression "3x": .* \(snapshots\.expiry\)$'),
        ("snapshots.schedule", "bogus", "^Schedule must be of the form"),
        ("snapshots.pattern", "{{ x }}", "^Invalid snapshot pattern"),
        ("limits.cpu.priority", "11", "between 0 and 10"),
        ("limits.memory", "lots", "^Invalid value: lots"),
        ("limits.memory.enforce", "firm", "not one of"),
        ("boot.autostart.delay", "-1", "integer"),
        ("limits.memory", "1GiB\n", "line breaks"),
        ("user.x", "a\0b", "NUL"),
        ("user.\0", "1", "^Unknown configuration key"),
        ("environment.A\nB", "1", "^Unknown configuration key"),
        ("linux.sysctl.a\nlxc.hook.pre-start", "1", "^Unknown configuration key"),
        ("raw.lxc", "bad", "^Invalid raw.lxc line: bad "),
        ("raw.lxc", "lxc.tty.max = 1\nhook = /bin/x", "^Invalid raw.lxc line: hook = /bin/x "),
        ("limits.memory", "0", r"^Memory limit can't be 0 \(limits\.memory\)$"),
        ("limits.memory", "0%", r"^Memory limit can't be 0 \(limits\.memory\)$"),
    ],
)
def test_refused(key: str, value: str, text: str) -> None:
    with pytest.raises(BadRequestError, match=text):
        check_instance_config({key: value})


def test_pattern_of_an_import_does_not_keep_the_data_out() -> None:
    foreign = {"snapshots.pattern": "{{ creation_date|upper }}"}
    check_instance_config(foreign, is_imported=True)
    with pytest.raises(BadRequestError):
        check_instance_config(foreign)
    with pytest.raises(BadRequestError):
        check_instance_config({"nope": "1"}, is_imported=True)


def test_profiles_have_no_state() -> None:
    check_profile_config({"limits.cpu": "2"})
    for key in ("volatile.uuid", "image.os"):
        with pytest.raises(BadRequestError, match="can only be set on instances"):
            check_profile_config({key: "x"})


def test_idmap_keys_stay() -> None:
    before = {"volatile.idmap.base": "0", "user.x": "1"}
    check_protected_keys(before, {"volatile.idmap.base": "5"})
    for after in ({}, {"volatile.idmap.base": ""}):
        with pytest.raises(BadRequestError, match=r"^Volatile idmap keys can't be deleted by the user$"):
            check_protected_keys(before, after)


def test_copies_lose_identity_and_state() -> None:
    config = {
        "user.x": "1",
        "image.os": "Debian",
        "volatile.uuid": "x",
        "volatile.base_image": "f",
        "volatile.last_state.idmap": "[]",
        "volatile.last_state.power": "RUNNING",
        "volatile.eth0.hwaddr": "00:16:3e:00:00:01",
    }
    assert set(copied_config(config)) == {"user.x", "image.os", "volatile.base_image", "volatile.last_state.idmap"}


def test_changed_keys() -> None:
    assert changed_keys({"a": "1", "b": "2", "c": ""}, {"a": "1", "b": "3", "d": "4"}) == {"b", "d"}


def test_live() -> None:
    assert is_live("limits.memory")
    assert is_live("user.x")
    assert not is_live("security.privileged")
    assert not is_live("nope")


def test_every_key_is_documented_and_its_default_is_valid() -> None:
    for table in (INSTANCE_KEYS, SERVER_KEYS, PROJECT_KEYS):
        names = [key.name for key in table.keys]
        assert len(names) == len(set(names))
        for key in table.keys:
            assert key.doc, key.name
            if key.default:
                key.check(key.default)


@pytest.mark.parametrize(
    "value", ["zstd; rm -rf /", "gzip -9 --rsyncable", "/bin/sh", "gzip\n", "zstd -3 -T0", "xz -$(id)", "squashfs"]
)
def test_threat_compression_string_runs_as_command(value: str) -> None:
    with pytest.raises(BadRequestError, match=r"compression|line breaks"):
        SERVER_KEYS.check({"backups.compression_algorithm": value})


def test_server_keys() -> None:
    SERVER_KEYS.check({"backups.compression_algorithm": "zstd -3", "user.x": "y", "core.remote_token_expiry": "1d"})
    assert SERVER_KEYS.default("backups.compression_algorithm") == "gzip"
    SERVER_KEYS.check({"core.https_address": ":8443", "core.trust_password": "x"})
    with pytest.raises(BadRequestError, match=r"^Invalid address"):
        SERVER_KEYS.check({"core.https_address": "a:b"})
    with pytest.raises(BadRequestError, match=r"^Unknown configuration key: nope$"):
        SERVER_KEYS.check({"nope": "1"})


def test_project_limits_that_are_not_kept_are_not_taken() -> None:
    PROJECT_KEYS.check({"features.images": "false"})
    with pytest.raises(BadRequestError, match=r"^Unknown configuration key: limits\.disk$"):
        PROJECT_KEYS.check({"limits.disk": "1GiB"})
