"""The Debian mirror that this host already uses, read from apt's sources in both of their formats.

Sources of other vendors are never taken: they would put a stranger's packages into our images.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from holdfast.model.errors import InternalError

APT_DIRECTORY: Final = Path("/etc/apt")
CODENAMES: Final = ("bullseye", "bookworm", "trixie", "forky", "stable", "oldstable", "testing", "unstable", "sid")
_SECURITY_SUITES: Final = tuple(f"{name}-security" for name in CODENAMES)
_LINE: Final = re.compile(r"deb\s+(?:\[[^\]]*\]\s+)?(?P<uri>\S+)\s+(?P<suite>\S+)\s+(?P<components>.+)")
_SCHEMES: Final = ("http://", "https://", "file:/", "mirror+http://", "mirror+https://", "mirror+file:/")


class NoMirrorError(InternalError):
    """No source of Debian's own packages is configured on this host."""

    def __init__(self, directory: Path) -> None:
        super().__init__(
            f"No Debian mirror is configured in {directory}: add one to {directory}/sources.list, "
            'as "deb MIRROR-URL bookworm main"'
        )


@dataclass(frozen=True, slots=True)
class Source:
    """One place to get packages from, as apt knows it."""

    uri: str
    suite: str
    components: frozenset[str]


@dataclass(frozen=True, slots=True)
class DebianMirror:
    """Where to get Debian from; `security_uri` is None where the host has no source of security updates."""

    uri: str
    security_uri: str | None

    def lines(self, codename: str) -> list[str]:
        """Return the lines of a sources.list for a release."""
        lines = [f"deb {self.uri} {codename} main", f"deb {self.uri} {codename}-updates main"]
        if self.security_uri is not None:
            lines.append(f"deb {self.security_uri} {codename}-security main")
        return lines


def find_mirror(directory: Path = APT_DIRECTORY) -> DebianMirror:
    """Return the mirror of the host's own release; raise `NoMirrorError` if it has none."""
    sources = [source for source in _read(directory) if _is_debian(source)]
    plain = [source.uri for source in sources if source.suite in CODENAMES]
    security = [source.uri for source in sources if source.suite in _SECURITY_SUITES]
    if not plain:
        raise NoMirrorError(directory)
    return DebianMirror(plain[0], security[0] if security else None)


def _is_debian(source: Source) -> bool:
    is_known = source.suite in CODENAMES or source.suite in _SECURITY_SUITES
    return is_known and "main" in source.components and "debian" in source.uri and source.uri.startswith(_SCHEMES)


def _read(directory: Path) -> Iterator[Source]:
    folder = directory / "sources.list.d"
    for path in (directory / "sources.list", *sorted(folder.glob("*.list"))):
        if path.is_file():
            yield from _one_line_format(path.read_text(errors="replace").splitlines())
    for path in sorted(folder.glob("*.sources")):
        yield from _deb822_format(path.read_text(errors="replace"))


def _one_line_format(lines: Iterable[str]) -> Iterator[Source]:
    for line in lines:
        if match := _LINE.fullmatch(line.partition("#")[0].strip()):
            yield Source(match["uri"].rstrip("/"), match["suite"], frozenset(match["components"].split()))


def _deb822_format(text: str) -> Iterator[Source]:
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    for stanza in re.split(r"\n\s*\n", "\n".join(lines)):
        fields = _fields(stanza)
        if "deb" not in fields.get("types", "").split() or fields.get("enabled", "yes").lower() in ("no", "false"):
            continue
        components = frozenset(fields.get("components", "").split())
        for uri in fields.get("uris", "").split():
            for suite in fields.get("suites", "").split():
                yield Source(uri.rstrip("/"), suite, components)


def _fields(stanza: str) -> dict[str, str]:
    """Read `Name: value` with continuation lines; names in lower case."""
    fields: dict[str, str] = {}
    name = ""
    for line in stanza.splitlines():
        if line[:1].isspace():
            fields[name] = f"{fields.get(name, '')} {line.strip()}"
        elif ":" in line:
            name, _, value = line.partition(":")
            name = name.strip().lower()
            fields[name] = value.strip()
    return fields
