"""Which instances a word of `holdfast list` selects."""

from __future__ import annotations

import re

from holdfast.client.shapes import InstanceFull

_FIELDS = ("type", "status", "architecture", "location")


def matches(instance: InstanceFull, word: str) -> bool:
    """Tell whether an instance is meant by a word: `web`, `^web[0-9]+$`, `user.owner=me`, `status=running,frozen`."""
    key, equals, value = word.partition("=")
    if not equals:
        return instance["name"].startswith(word) or _is_regex_in(word, instance["name"])
    if key in _FIELDS:
        return _field(instance, key).lower() in value.lower().split(",")
    if key in ("ipv4", "ipv6"):
        return any(
            address in value.split(",") for address in _addresses(instance, "inet" if key == "ipv4" else "inet6")
        )
    return any(is_key(key, known) and is_regex_of(value, text) for known, text in instance["expanded_config"].items())


def _field(instance: InstanceFull, key: str) -> str:
    fields = {
        "type": instance["type"],
        "status": instance["status"],
        "architecture": instance["architecture"],
        "location": instance["location"],
    }
    return fields[key]


def _addresses(instance: InstanceFull, family: str) -> list[str]:
    state = instance.get("state")
    if state is None:
        return []
    networks = (state["network"] or {}).values()
    return [entry["address"] for network in networks for entry in network["addresses"] if entry["family"] == family]


def is_key(short: str, known: str) -> bool:
    """Tell whether a key is meant; each of its parts may be cut: `u.owner` is `user.owner`."""
    shorts, parts = short.split("."), known.split(".")
    return len(shorts) == len(parts) and all(map(str.startswith, parts, shorts)) and shorts[-1] == parts[-1]


def _is_regex_in(pattern: str, name: str) -> bool:
    """Tell whether a pattern fits a name: the whole of it, or what `^` and `$` say where one is in it, as in `lxc`."""
    if not {"^", "$"} & set(pattern):
        return is_regex_of(pattern, name)
    try:
        return re.search(pattern, name, re.IGNORECASE) is not None
    except re.error:
        return False


def is_regex_of(pattern: str, text: str) -> bool:
    """Tell whether a pattern is the whole text, whatever the case; what is no regular expression stands for itself."""
    try:
        return re.fullmatch(pattern, text, re.IGNORECASE) is not None
    except re.error:
        return pattern == text
