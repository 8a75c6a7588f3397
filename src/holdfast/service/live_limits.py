"""Limits take effect at once: what a change of an instance or of a profile means for instances that run."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from holdfast.model.errors import HoldfastError
from holdfast.model.expand import expand_config
from holdfast.model.instance import Instance
from holdfast.model.profile import Profile
from holdfast.service.surroundings import Surroundings, key_of

_log = logging.getLogger(__name__)


class LiveLimits:
    """Brings running instances in line with their config."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._around = surroundings

    @contextmanager
    def changed(self, instance: Instance, before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[None]:
        """Apply the limits of the expanded config `after`; go back if what the caller does with them fails."""
        key, runtime = key_of(instance), self._around.runtime
        if _limits(before) == _limits(after):
            yield
            return
        runtime.apply_limits(key, before, after)
        try:
            yield
        except BaseException:
            with suppress(HoldfastError):
                runtime.apply_limits(key, after, before)
            raise

    def follow_profile(self, before: Profile, after: Profile, users: Sequence[tuple[str, str]]) -> None:
        """Apply a changed profile to those that have it; one that can't follow is logged and does so when it starts."""
        if _limits(before.config) == _limits(after.config):
            return
        for project, name in users:
            try:
                with self._around.powered(project, name, "update") as instance:
                    self._follow(instance, before)
            except HoldfastError as error:
                _log.warning("Instance %s doesn't follow its profile %s yet: %s", name, after.name, error)

    def _follow(self, instance: Instance, before: Profile) -> None:
        now = self._around.profiles.for_instance(instance.project, instance.profiles)
        former = [before if each.name == before.name else each for each in now]
        with self.changed(instance, expand_config(former, instance.config), expand_config(now, instance.config)):
            pass


def _limits(config: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in config.items() if name.startswith("limits.")}
