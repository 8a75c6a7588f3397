"""From the table of routes to a web application: errors into envelopes, one log line per request."""

from __future__ import annotations

import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Final

from aiohttp import web

from holdfast.model.errors import BadRequestError, HoldfastError, InstanceNotFoundError
from holdfast.model.kinds import InstanceType
from holdfast.server.access import access_of, check
from holdfast.server.answers import failed
from holdfast.server.page_headers import add_headers, is_page
from holdfast.server.request import ApiRequest, Parts
from holdfast.server.route import Answer, Route
from holdfast.server.sign_in import SignInPages
from holdfast.server.webui import WebFiles

_log = logging.getLogger(__name__)

_LEGACY_PREFIXES: Final = {
    "/1.0/containers": InstanceType.CONTAINER,
    "/1.0/virtual-machines": InstanceType.VIRTUAL_MACHINE,
}
_INSTANCES: Final = "/1.0/instances"
_THIS_SERVER: Final = "none"
"""What a server outside a cluster has as `location`; LXD's client sends it back with copies of volumes."""


def build_application(routes: Iterable[Route], parts: Parts) -> web.Application:
    application = web.Application(middlewares=[_answer_errors], client_max_size=0)
    for route in routes:
        for path, instance_type in _paths(route).items():
            application.router.add_route(route.method, path, _handler(route, parts, instance_type))
    _add_pages(application, parts)
    application.on_response_prepare.append(add_headers)
    return application


def _add_pages(application: web.Application, parts: Parts) -> None:
    """Serve what is no part of the API: the web page's files, and its sign-in."""
    for method, path, handler in SignInPages(parts).routes():
        application.router.add_route(method, path, handler)
    files = WebFiles(parts.web_files)
    application.router.add_get("/ui", files.root)
    application.router.add_get("/ui/{path:.*}", files.file)


def _paths(route: Route) -> dict[str, InstanceType | None]:
    """Return the path, and those under which older clients know it, with the type that alone they know."""
    if not route.path.startswith(_INSTANCES):
        return {route.path: None}
    rest = route.path.removeprefix(_INSTANCES)
    return {route.path: None, **{prefix + rest: only for prefix, only in _LEGACY_PREFIXES.items()}}


def _handler(
    route: Route, parts: Parts, only: InstanceType | None
) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def handle(http: web.Request) -> web.StreamResponse:
        request = ApiRequest(http, parts, await access_of(http, parts))
        await check(route, request)
        target = http.query.get("target", "")
        if http.method == "POST" and target and not (target == _THIS_SERVER and "target" in route.query):
            raise BadRequestError("Target only allowed when clustered: this is one server, leave `target` out")
        if route.path.startswith(_INSTANCES) and "/" in http.match_info.get("name", ""):
            raise BadRequestError("Invalid instance name")
        if only is not None and "name" in http.match_info:
            view = await request.run(parts.services.instances.get, request.project, request.path("name"))
            if view.instance.type is not only:
                raise InstanceNotFoundError
        if route.answer is not Answer.WEBSOCKET:
            return await route.handler(request)
        with parts.trust_watch.during(http, request.access):
            return await route.handler(request)

    return handle


@web.middleware
async def _answer_errors(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn every way a handler can fail into LXD's error envelope: the border of a request."""
    began_s = time.monotonic()
    try:
        answer = await handler(request)
    except HoldfastError as error:
        answer = failed(error.status, str(error))
    except web.HTTPNotFound:
        answer = failed(404, "not found")
    except web.HTTPMethodNotAllowed:
        answer = failed(501, "not implemented")
    except web.HTTPException as error:
        answer = failed(error.status, error.text or error.reason)
    except web.RequestPayloadError as error:
        answer = failed(400, f"The request's body can't be read: {error}")
    except ConnectionError:
        if request.transport is not None and not request.transport.is_closing():
            raise
        # The client has gone; nobody is left to answer, and nothing is wrong here that the log should tell.
        answer = failed(400, "The client has gone")
    except Exception as error:  # noqa: BLE001 - the border of a request
        _log.exception("%s %s broke", request.method, request.path)
        answer = failed(500, f"Internal error: {type(error).__name__}: {error}")
    query = "" if is_page(request) else request.query_string  # what a one-time link holds stands in no log
    _log.debug(
        "%s %s: %d",
        request.method,
        request.path,
        answer.status,
        extra={"duration_s": round(time.monotonic() - began_s, 4), "query": query},
    )
    return answer
