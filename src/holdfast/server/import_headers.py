"""What an import shall make otherwise than its file says: headers of LXD, and of ours (`X-Holdfast-…`).

| header | value |
|---|---|
| `X-LXD-name`, `X-LXD-pool` | as they are |
| `X-LXD-devices` | a query string: names of devices, each with a query string of its options, encoded once more |
| `X-Holdfast-config` | a query string: keys and values; an empty value takes the key away |
| `X-Holdfast-profiles` | names, each URL-encoded, with commas between; empty: no profiles |
| `X-Holdfast-replace` | `true`: an instance of that name is replaced |
| `X-Holdfast-onto` | the instance that a file with a difference builds on |
| `X-Holdfast-without-volumes` | `true`: volumes in the file are left out |
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qsl, unquote

from holdfast.model.config_values import is_false, is_true
from holdfast.model.errors import BadRequestError
from holdfast.server.request import ApiRequest


@dataclass(frozen=True, kw_only=True, slots=True)
class ImportHeaders:
    """None as name, pool or profiles: what the file says."""

    name: str | None
    pool: str | None
    devices: dict[str, dict[str, str]]
    config: dict[str, str]
    profiles: tuple[str, ...] | None
    is_replacing: bool
    without_volumes: bool
    onto: str | None


def import_headers(request: ApiRequest) -> ImportHeaders:
    """Read them; `BadRequestError` names the one that can't be."""
    return ImportHeaders(
        name=request.header("X-LXD-name") or None,
        pool=request.header("X-LXD-pool") or None,
        devices={
            name: _pairs("X-LXD-devices", options)
            for name, options in _pairs("X-LXD-devices", request.header("X-LXD-devices")).items()
        },
        config=_pairs("X-Holdfast-config", request.header("X-Holdfast-config")),
        profiles=_names(request, "X-Holdfast-profiles"),
        is_replacing=_truth(request, "X-Holdfast-replace"),
        without_volumes=_truth(request, "X-Holdfast-without-volumes"),
        onto=request.header("X-Holdfast-onto") or None,
    )


def _pairs(header: str, text: str) -> dict[str, str]:
    if not text:
        return {}
    try:
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=True, errors="strict")
    except (ValueError, UnicodeError) as error:
        raise BadRequestError(f"The header {header} is not a URL-encoded list of names and values: {error}") from error
    if len(dict(pairs)) != len(pairs):
        raise BadRequestError(f"The header {header} names something twice")
    return dict(pairs)


def _names(request: ApiRequest, header: str) -> tuple[str, ...] | None:
    if header not in request.http.headers:
        return None
    text = request.header(header)
    try:
        return tuple(unquote(name.strip(), errors="strict") for name in text.split(",")) if text.strip() else ()
    except UnicodeError as error:
        raise BadRequestError(f"The header {header} is not UTF-8: {error}") from error


def _truth(request: ApiRequest, header: str) -> bool:
    text = request.header(header)
    if text and not is_true(text) and not is_false(text):
        raise BadRequestError(f'The header {header} is "{text}", not true or false')
    return is_true(text)
