"""Bodies are read as Go reads them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET

from holdfast.wire.decoding import BadBodyError, decode
from holdfast.wire.instance import InstancePatch, InstancePost, InstancePut, InstancesPost
from holdfast.wire.snapshot import SnapshotsPost


def test_keys_in_any_case() -> None:
    found = decode(b'{"NAME": "c1", "Config": {"User.X": "1"}, "Source": {"Base-Image": "f"}}', InstancesPost)
    assert (found.name, found.config, found.source.base_image) == ("c1", {"User.X": "1"}, "f")


def test_null_is_the_zero_value() -> None:
    found = decode(b'{"name": null, "config": null, "devices": {"root": null}, "profiles": null}', InstancePut)
    assert (found.config, found.devices, found.profiles) == ({}, {"root": {}}, [])
    assert decode(b'{"config": {"user.x": null}}', InstancePut).config == {"user.x": ""}


def test_absent_and_empty_profiles_differ() -> None:
    assert decode(b"{}", InstancesPost).profiles is None
    assert decode(b'{"profiles": []}', InstancesPost).profiles == []


def test_a_patch_knows_what_was_not_sent() -> None:
    found = decode(b'{"ephemeral": false, "config": null}', InstancePatch)
    assert (found.ephemeral, found.config, found.profiles) == (False, UNSET, UNSET)


def test_unknown_keys_are_ignored() -> None:
    assert decode(b'{"no-such": [1, {}]}', SnapshotsPost) == SnapshotsPost()


def test_no_body_is_refused() -> None:
    """A PUT whose body was forgotten must not clear everything."""
    with pytest.raises(BadBodyError, match="EOF"):
        decode(b"", SnapshotsPost)


@pytest.mark.parametrize(
    "body", [b"{bad", b"[]", b'"text"', b'{"config": []}', b'{"config": {"a": 1}}', b'{"live": "x"}', b"\xff", b"null"]
)
def test_what_does_not_fit_is_refused(body: bytes) -> None:
    with pytest.raises(BadBodyError):
        decode(body, InstancePost if b"live" in body else InstancePut)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"[]", "The body must be a mapping, not a list"),
        (b'{"config": "hello"}', '"config" must be a mapping, not a text'),
        (b'{"config": {"a": 1}}', 'Each value in "config" must be a text, not a whole number'),
        (b'{"devices": {"root": {"size": []}}}', 'Each value in each value in "devices" must be a text, not a list'),
        (b'{"ephemeral": 1.5}', '"ephemeral" must be a boolean, not a number'),
        (b"{bad", "JSON is malformed"),
    ],
)
def test_what_does_not_fit_is_told_in_words(body: bytes, said: str) -> None:
    with pytest.raises(BadBodyError, match=f"^{said}"):
        decode(body, InstancePut)


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(BadBodyError):
        decode(b'{"config":' * 100_000 + b"1" + b"}" * 100_000, InstancePut)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["name", "Config", "devices", "source", "PROFILES", "start"]), _JSON))
def test_threat_null_fields_crash(document: dict[str, object]) -> None:
    """Whatever JSON comes, it is decoded or refused."""
    import json

    try:
        found = decode(json.dumps(document).encode(), InstancesPost)
    except BadBodyError:
        return
    assert isinstance(found.config, dict)
    assert isinstance(found.name, str)
