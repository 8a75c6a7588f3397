"""The rules of configuration: which keys there are, for what, and what their values may be."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from holdfast.model.config_values import Check, any_text, lxc_lines
from holdfast.model.errors import BadRequestError


@dataclass(frozen=True, kw_only=True, slots=True)
class ConfigKey:
    """One key, or one family of keys when the name ends in ".*".

    `is_live`: a change takes effect on a running instance; else at its next start. `kept_in_copies`: a volatile key
    that goes with a copy of the instance. `is_ours`: LXD doesn't know it, so export files spell it as a user key.
    """

    name: str
    type: str
    check: Check
    doc: str
    default: str = ""
    is_live: bool = False
    kept_in_copies: bool = False
    is_ours: bool = False

    @property
    def is_family(self) -> bool:
        return self.name.endswith(".*")


_OF_MANY_LINES: Final = (any_text, lxc_lines)


class KeyTable:
    """The keys of one scope, looked up by name, families by prefix."""

    def __init__(self, keys: Iterable[ConfigKey]) -> None:
        self.keys: Final = tuple(keys)
        self._by_name = {key.name: key for key in self.keys if not key.is_family}
        self._families = [(key.name[:-1], key) for key in self.keys if key.is_family]

    def find(self, name: str) -> ConfigKey | None:
        """Return the key's row, None for an unknown key."""
        if name in self._by_name:
            return self._by_name[name]
        for prefix, key in self._families:
            if name.startswith(prefix) and len(name) > len(prefix):
                return key
        return None

    def check(self, config: Mapping[str, str], *, unchecked: Iterable[str] = ()) -> None:
        """Raise `BadRequestError` for the first unknown key or unfit value; an empty value means unset.

        `unchecked` names keys whose values are taken as they are.
        """
        for name, value in config.items():
            key = self.find(name)
            if key is None or not name.isprintable():
                raise BadRequestError(f"Unknown configuration key: {name}")
            if "\0" in value or ("\n" in value and key.check not in _OF_MANY_LINES):
                raise BadRequestError(f"Invalid value for configuration key {name}: line breaks and NUL can't be in it")
            if value and name not in unchecked:
                key.check(value)

    def default(self, name: str) -> str:
        key = self.find(name)
        return "" if key is None else key.default


def is_volatile(name: str) -> bool:
    return name.startswith("volatile.")


_IDMAP_KEY: Final = re.compile(r"volatile\.idmap\..*")


def check_protected_keys(before: Mapping[str, str], after: Mapping[str, str]) -> None:
    """Raise `BadRequestError` when an update would lose a key that only the server may remove."""
    if any(_IDMAP_KEY.fullmatch(name) and not after.get(name) for name in before):
        raise BadRequestError("Volatile idmap keys can't be deleted by the user")


def changed_keys(before: Mapping[str, str], after: Mapping[str, str]) -> set[str]:
    """Return the keys that were added, changed or removed; an empty value is an absent one."""
    return {name for name in {*before, *after} if before.get(name, "") != after.get(name, "")}
