"""Profiles and projects as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence

from holdfast.model.profile import Profile, Project
from holdfast.server.etag import etag_of
from holdfast.wire import profile as wire_profile
from holdfast.wire import project as wire_project


def profile_shape(profile: Profile, used_by: Sequence[str]) -> wire_profile.Profile:
    return wire_profile.Profile(
        config=dict(profile.config),
        description=profile.description,
        devices={name: dict(device) for name, device in profile.devices.items()},
        name=profile.name,
        used_by=list(used_by),
    )


def profile_etag(profile: Profile) -> str:
    return etag_of(profile.config, profile.description, profile.devices)


def project_shape(project: Project, used_by: Sequence[str]) -> wire_project.Project:
    return wire_project.Project(
        config=dict(project.config), description=project.description, name=project.name, used_by=list(used_by)
    )


def project_etag(project: Project) -> str:
    return etag_of(project.description, project.config)
