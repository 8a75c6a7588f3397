"""Lists: recursion, filter, and URLs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar
from urllib.parse import quote

import msgspec

from holdfast.model import filters
from holdfast.model.kinds import DEFAULT_PROJECT
from holdfast.server.request import ApiRequest

Item = TypeVar("Item")
Shape = TypeVar("Shape", bound=msgspec.Struct)


def api_url(*segments: str, project: str = DEFAULT_PROJECT) -> str:
    """Return `/1.0/<segments>`, escaped, with the project when it isn't the default one."""
    path = "/1.0/" + "/".join(quote(segment, safe="") for segment in segments)
    return path if project == DEFAULT_PROJECT else f"{path}?project={quote(project, safe='')}"


def passing(request: ApiRequest, items: Iterable[Item], shape: Callable[[Item], Shape]) -> list[tuple[Item, Shape]]:
    """Return the items that the request's filter lets pass, each with its shape."""
    wanted = filters.parse(request.query("filter"))
    shaped = [(item, shape(item)) for item in items]
    if not wanted.clauses:
        return shaped
    return [(item, each) for item, each in shaped if wanted.matches(msgspec.to_builtins(each))]
