"""Snapshots that `@startup` wants: made at a start of the instance, before it runs."""

from __future__ import annotations

import logging

from holdfast.model.due import wants_startup
from holdfast.model.errors import CancelledOperationError, UnavailableError
from holdfast.model.instance import Instance
from holdfast.model.schedules import Schedule, schedules_of
from holdfast.service.instance_schedules import InstanceSchedules
from holdfast.service.schedules import Scheduler
from holdfast.service.surroundings import Surroundings

_log = logging.getLogger(__name__)


class StartupSnapshots:
    """What power asks at a start."""

    def __init__(self, surroundings: Surroundings, schedules: InstanceSchedules, scheduler: Scheduler) -> None:
        self._around, self._schedules, self._scheduler = surroundings, schedules, scheduler

    def wants(self, instance: Instance) -> bool:
        """Tell whether its start makes a snapshot, for which it must be held alone."""
        return bool(self._wanted(instance))

    def take(self, instance: Instance) -> None:
        """Make what is wanted of an instance that the caller holds alone.

        One that can't be made keeps no instance from running: it is told by a warning, as for every schedule.
        """
        wanted = self._wanted(instance)
        if not wanted:
            return
        subject = self._schedules.subject(instance.project, instance.name)
        for schedule in wanted:
            try:
                self._scheduler.run(self._schedules, subject, schedule, self._around.clock.now())
            except (UnavailableError, CancelledOperationError) as error:
                _log.info("No snapshot at the start of %s: %s", instance.name, error)

    def _wanted(self, instance: Instance) -> list[Schedule]:
        config = self._around.expanded(instance).config
        return [schedule for schedule in schedules_of(config) if wants_startup(schedule.rule)]
