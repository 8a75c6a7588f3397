"""The headers of an import, and the spellings of an export's request, as clients send them."""

from __future__ import annotations

from types import SimpleNamespace
from typing import cast

import pytest
from aiohttp.test_utils import make_mocked_request
from hypothesis import given
from hypothesis import strategies as st

from holdfast.client.imports import ImportWishes
from holdfast.model.access import EVERYTHING
from holdfast.model.errors import BadRequestError
from holdfast.server.import_headers import ImportHeaders, import_headers
from holdfast.server.request import ApiRequest, Parts
from holdfast.wire.backup import BackupsPost
from holdfast.wire.decoding import decode


def read(headers: dict[str, str]) -> ImportHeaders:
    request = make_mocked_request("POST", "/1.0/instances", headers=headers)
    return import_headers(ApiRequest(request, cast(Parts, SimpleNamespace()), EVERYTHING))


def test_without_any() -> None:
    assert read({}) == ImportHeaders(
        name=None, pool=None, devices={}, config={}, profiles=None, is_replacing=False, without_volumes=False, onto=None
    )


def test_devices_as_newer_clients_of_lxd_send_them() -> None:
    """A query string of query strings, as LXD's documentation of `import_instance_devices` has it."""
    found = read({"X-LXD-devices": "root=pool%3Dfast%26size%3D20GiB&eth0=type%3Dnone"})
    assert found.devices == {"root": {"pool": "fast", "size": "20GiB"}, "eth0": {"type": "none"}}


def test_no_profiles_is_not_the_files_profiles() -> None:
    assert read({"X-Holdfast-profiles": ""}).profiles == ()
    assert read({"X-Holdfast-profiles": "default,a%2Cb, web"}).profiles == ("default", "a,b", "web")


NAMES = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=12)
VALUES = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)


@given(
    st.dictionaries(NAMES, st.dictionaries(NAMES, VALUES, min_size=1, max_size=3), max_size=3),
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.none() | st.lists(NAMES.filter(lambda name: name.strip() == name), max_size=3),
    st.tuples(st.booleans(), st.booleans()),
)
def test_what_our_client_sends_arrives(
    devices: dict[str, dict[str, str]], config: dict[str, str], profiles: list[str] | None, flags: tuple[bool, bool]
) -> None:
    wishes = ImportWishes(
        devices=devices, config=config, profiles=profiles, is_replacing=flags[0], without_volumes=flags[1], onto="web"
    )
    found = read(wishes.headers())
    assert (found.devices, found.config) == (devices, config)
    assert (found.is_replacing, found.without_volumes) == flags
    assert found.onto == "web"
    assert found.profiles == (None if profiles is None else tuple(profiles))


@pytest.mark.parametrize(
    ("header", "value", "says"),
    [
        ("X-LXD-devices", "root", "X-LXD-devices is not a URL-encoded list of names and values"),
        ("X-LXD-devices", "root=size", "X-LXD-devices is not a URL-encoded list of names and values"),
        ("X-LXD-devices", "root=size%3D1&root=size%3D2", "X-LXD-devices names something twice"),
        ("X-Holdfast-config", "%ff=1", "X-Holdfast-config is not a URL-encoded list"),
        ("X-Holdfast-config", "a=1&a=2", "X-Holdfast-config names something twice"),
        ("X-Holdfast-profiles", "%ff", "X-Holdfast-profiles is not UTF-8"),
        ("X-Holdfast-replace", "perhaps", 'X-Holdfast-replace is "perhaps", not true or false'),
    ],
)
def test_what_can_not_be_read_is_named(header: str, value: str, says: str) -> None:
    with pytest.raises(BadRequestError, match=says):
        read({header: value})


def test_the_hyphenated_spellings_of_the_guide() -> None:
    sent = decode(
        b'{"name": "b", "expires-at": "2027-01-01T00:00:00Z", "instance-only": true, "optimized-storage": true, '
        b'"compression-algorithm": "xz", "version": 2}',
        BackupsPost,
    )
    assert (sent.name, sent.expires_at, sent.instance_only) == ("b", "2027-01-01T00:00:00Z", True)
    assert (sent.optimized_storage, sent.compression_algorithm, sent.version) == (True, "xz", 2)
    plain = decode(b'{"instance_only": true, "compression_algorithm": "none"}', BackupsPost)
    assert (plain.instance_only, plain.optimized_storage, plain.compression_algorithm) == (True, False, "none")
    assert decode(b'{"container_only": true}', BackupsPost).instance_only
    assert not decode(b"{}", BackupsPost).instance_only
