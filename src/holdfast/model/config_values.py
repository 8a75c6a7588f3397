"""Types of configuration values: each one a check that raises with LXD's text for what doesn't fit."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from holdfast.model.errors import BadRequestError
from holdfast.model.expiry import check_expiry
from holdfast.model.former_state import check_undo
from holdfast.model.https_address import parse_https_address
from holdfast.model.kinds import Compression
from holdfast.model.pattern import check_pattern
from holdfast.model.schedule import VOLUME_ALIASES, check_schedule
from holdfast.model.sizes import parse_bytes, parse_percent

Check = Callable[[str], None]

_TRUE: Final = frozenset(("true", "1", "yes", "on"))
_FALSE: Final = frozenset(("false", "0", "no", "off"))


def is_true(value: str | None) -> bool:
    """Tell whether a value of a boolean key says yes; absent and empty say no."""
    return (value or "").lower() in _TRUE


def is_false(value: str | None) -> bool:
    """Tell whether a value of a boolean key says no in so many words."""
    return (value or "").lower() in _FALSE


def any_text(value: str) -> None:
    """Take everything."""


def lxc_lines(value: str) -> None:
    """Take lines of liblxc's configuration, as far as their form goes: whether it knows the keys shows at the start."""
    for line in filter(None, map(str.strip, value.splitlines())):
        if not line.startswith("#") and not re.match(r"lxc\.[A-Za-z0-9_./-]+\s*=", line):
            raise BadRequestError(f"Invalid raw.lxc line: {line} (it has the form lxc.key = value)")


def boolean(value: str) -> None:
    if value.lower() not in _TRUE | _FALSE:
        raise BadRequestError(f'Invalid value for a boolean "{value}"')


def undo(value: str) -> None:
    """Take a time as of `snapshots.expiry`, or a word for no."""
    check_undo(value)


def integer(value: str) -> None:
    if not re.fullmatch(r"[+-]?[0-9]{1,18}", value, re.ASCII):
        raise BadRequestError(f'Invalid value for an integer "{value}"')


def unsigned(value: str) -> None:
    if not re.fullmatch(r"[0-9]{1,18}", value, re.ASCII):
        raise BadRequestError(f'Invalid value for an integer "{value}"')


def priority(value: str) -> None:
    """Take 0 to 10."""
    unsigned(value)
    if int(value) > 10:
        raise BadRequestError(f'Invalid value for a limit "{value}". Must be between 0 and 10')


def size(value: str) -> None:
    parse_bytes(value)


def memory(value: str) -> None:
    """Take a size or a share of the host's memory, but not none at all: the kernel would refuse it at the start."""
    percent = parse_percent(value)
    if (parse_bytes(value) if percent is None else percent) == 0:
        raise BadRequestError("Memory limit can't be 0")


def swap(value: str) -> None:
    """Take a boolean or a size: LXD 5.0 knows only booleans, newer ones also sizes."""
    if value.lower() not in _TRUE | _FALSE:
        parse_bytes(value)


def one_of(*values: str) -> Check:
    """Return the check for a closed set."""

    def check(value: str) -> None:
        if value not in values:
            raise BadRequestError(f'Invalid value "{value}" (not one of {list(values)})')

    return check


def cpu_set(value: str) -> None:
    """Take a number of CPUs, or a set of them: "2", "0-3", "0,2-4"."""
    if not re.fullmatch(r"[0-9]{1,5}(?:-[0-9]{1,5})?(?:,[0-9]{1,5}(?:-[0-9]{1,5})?)*", value, re.ASCII):
        raise BadRequestError(f'Invalid value "{value}": a number of CPUs or a set such as "0-3,5"')


def cpu_allowance(value: str) -> None:
    """Take a share of time ("50%") or a budget ("25ms/100ms")."""
    if not re.fullmatch(r"[0-9]{1,4}%|[0-9]{1,9}ms/[0-9]{1,9}ms", value, re.ASCII):
        raise BadRequestError(f"Invalid allowance: {value}")


def compression(value: str) -> None:
    """Take a compressor of the closed set with an optional level ("zstd -3"); nothing that could be a command."""
    if not re.fullmatch(rf"(?:{'|'.join(Compression)})(?: -[0-9]{{1,2}})?", value, re.ASCII):
        raise BadRequestError(f'Invalid compression algorithm "{value}" (one of {", ".join(Compression)})')


def uuid(value: str) -> None:
    if not re.fullmatch(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}", value, re.ASCII):
        raise BadRequestError(f'Invalid value "{value}": not a UUID')


def hardware_address(value: str) -> None:
    if not re.fullmatch(r"[0-9a-fA-F]{2}(?::[0-9a-fA-F]{2}){5}", value, re.ASCII):
        raise BadRequestError(f'Invalid MAC address "{value}"')


def interface_name(value: str) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,15}", value, re.ASCII) or value in (".", ".."):
        raise BadRequestError(f'Invalid network interface name "{value}"')


def https_address(value: str) -> None:
    parse_https_address(value)


def refused(reason: str) -> Check:
    """Return the check of a key that is known and can't be set yet; the reason says what to do instead."""

    def check(value: str) -> None:
        raise BadRequestError(reason)

    return check


schedule: Final[Check] = check_schedule


def volume_schedule(value: str) -> None:
    """Take what schedules of volumes can be: they are never started, so they know fewer aliases."""
    check_schedule(value, VOLUME_ALIASES)


expiry: Final[Check] = check_expiry
pattern: Final[Check] = check_pattern
