"""Names of processor architectures: the kernel's, the aliases that images use, and which of them a host can run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.model.errors import BadRequestError

_ALIASES: Final[Mapping[str, frozenset[str]]] = {
    "x86_64": frozenset({"amd64", "x64", "generic_64"}),
    "i686": frozenset({"i386", "i586", "386", "x86", "generic_32"}),
    "aarch64": frozenset({"arm64"}),
    "armv7l": frozenset({"armel", "armhf", "arm", "armv7", "armv7a_hardfp_eabi", "armv7a_vfpv3_hardfp"}),
    "ppc": frozenset({"powerpc"}),
    "ppc64": frozenset({"powerpc64"}),
    "ppc64le": frozenset({"ppc64el", "powerpc64le"}),
    "s390x": frozenset({"mainframe"}),
    "mips": frozenset({"mipsel", "mipsle"}),
    "mips64": frozenset({"mips64el", "mips64le"}),
    "riscv32": frozenset(),
    "riscv64": frozenset(),
}
_ALSO_RUNS: Final[Mapping[str, frozenset[str]]] = {
    "x86_64": frozenset({"i686"}),
    "aarch64": frozenset({"armv7l"}),
    "ppc64": frozenset({"ppc"}),
}


def kernel_name(name: str) -> str | None:
    """Return the kernel's name of an architecture for any of its usual ones, None for others."""
    wanted = name.lower()
    return next((each for each, aliases in _ALIASES.items() if wanted == each or wanted in aliases), None)


def runnable(name: str, host: str) -> str:
    """Return the kernel's name of an architecture; raise `BadRequestError` unless the host's processor runs it."""
    found = kernel_name(name)
    if found is None:
        raise BadRequestError(f"Architecture isn't supported: {name}")
    if found != host and found not in _ALSO_RUNS.get(host, ()):
        raise BadRequestError(f"Requested architecture isn't supported by this host: {name} (this is {host})")
    return found
