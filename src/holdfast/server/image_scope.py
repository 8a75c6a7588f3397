"""Which project's images a request is about: a project without its own shares those of the default one."""

from __future__ import annotations

from dataclasses import replace

from holdfast.server.request import ApiRequest
from holdfast.service.caller import Caller


async def image_project(request: ApiRequest) -> str:
    return await request.run(request.services.projects.image_project, request.project)


async def image_caller(request: ApiRequest) -> Caller:
    return replace(request.caller, project=await image_project(request))
