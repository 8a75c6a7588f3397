"""What the client reads is what the server writes: each dictionary's keys against the document of that name."""

from __future__ import annotations

import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator

import msgspec
import pytest

import holdfast.client.shapes as shapes
import holdfast.wire as wire

OTHER_NAMES = {
    "Backup": ("Backup", "VolumeBackup"),
    "ImageAliasEntry": ("AliasEntry",),
    "ServerEnvironment": ("Environment",),
    "ServerInfo": ("Server",),
    "SignedInBrowser": ("Browser",),
    "SnapshotPlan": ("PlannedSnapshot",),
    "Space": ("Amount",),
    "TrustedCertificate": ("Certificate",),
    "VolumeUsage": ("Amount",),
    "OperationListed": ("Operation",),
}
"""Where the client's name for a document isn't the server's, or one dictionary reads several."""
OF_THE_CLIENT = {("OperationListed", "project")}
"""What a command adds before it shows a document."""
MADE_EMPTY = {("Pool", "config"), ("ServerInfo", "config")}
"""Null for those who may not see it; the client makes an empty one of that."""
SCALARS = (str, int, float, bool)


def documents() -> dict[str, type[msgspec.Struct]]:
    found: dict[str, type[msgspec.Struct]] = {}
    for module in pkgutil.iter_modules(wire.__path__):
        for name, value in vars(importlib.import_module(f"holdfast.wire.{module.name}")).items():
            if isinstance(value, type) and issubclass(value, msgspec.Struct):
                found[name] = value
    return found


DOCUMENTS = documents()
DICTIONARIES = [name for name in shapes.__all__ if typing.is_typeddict(getattr(shapes, name))]


def scalars(hint: object) -> set[str]:
    """Return what simple values a hint allows; what is built of others counts as "built"."""
    origin = typing.get_origin(hint)
    if origin in (typing.NotRequired, typing.Annotated, typing.Required):
        return scalars(typing.get_args(hint)[0])
    if origin in (typing.Union, types.UnionType):
        return set().union(*(scalars(each) for each in typing.get_args(hint)))
    if origin is typing.Literal:
        return {type(each).__name__ for each in typing.get_args(hint)}
    if hint is msgspec.UnsetType:
        return set()
    if hint is type(None):
        return {"none"}
    return {hint.__name__} if isinstance(hint, type) and hint in SCALARS else {"built"}


def differences(name: str) -> Iterator[str]:
    dictionary = getattr(shapes, name)
    read = typing.get_type_hints(dictionary, include_extras=True)
    structs = [DOCUMENTS[each] for each in OTHER_NAMES.get(name, (name,))]
    for key, hint in read.items():
        if (name, key) in OF_THE_CLIENT:
            continue
        written = [
            scalars(typing.get_type_hints(struct, include_extras=True)[field.name])
            for struct in structs
            for field in msgspec.structs.fields(struct)
            if field.encode_name == key
        ]
        values = set().union(*written) - ({"none"} if (name, key) in MADE_EMPTY else set())
        if not written:
            yield f"{key}: no such key in {', '.join(struct.__name__ for struct in structs)}"
        elif not values <= scalars(hint):
            yield f"{key}: written as {values}, read as {scalars(hint)}"


@pytest.mark.parametrize("name", DICTIONARIES)
def test_each_key_is_one_that_the_server_writes(name: str) -> None:
    assert not list(differences(name))
