"""Power of instances: starting, stopping, what ends by itself, what comes back with the server."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.model.errors import HoldfastError
from holdfast.model.instance_changes import InstanceChange
from holdfast.model.kinds import StatusCode
from holdfast.model.operation import Event, Lifecycle
from holdfast.runtime.lxc.runtime import LxcRuntime
from holdfast.service.instance_requests import FromImage, InstanceRequest
from support.world import CALLER, World, furnished_world, open_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]
_WAIT_S = 60.0


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture
def world(the_world: World) -> Iterator[World]:
    the_world.events.clear()
    yield the_world
    the_world.clear()
    assert the_world.left_over() == []


def _status(world: World, name: str) -> StatusCode:
    return world.services.instances.get("default", name).status


def _await_action(world: World, action: str, do: Callable[[], object]) -> None:
    """Do something and wait until a lifecycle event of that action was published."""
    seen = threading.Event()

    def look(event: Event) -> None:
        if isinstance(event.body, Lifecycle) and event.body.action == action:
            seen.set()

    leave = world.services.events.subscribe(look)
    do()
    assert seen.wait(_WAIT_S), f"{action} was not published"
    leave()


def test_actions_and_their_refusals(world: World) -> None:
    world.create("c1", "d")
    for action, text in (("stop", "already stopped"), ("freeze", "isn't running"), ("unfreeze", "isn't running")):
        with pytest.raises(HoldfastError, match=text):
            world.power("c1", action)
    with pytest.raises(HoldfastError, match="Unknown action: 'bogus'"):
        world.power("c1", "bogus")
    world.power("c1", "start")
    with pytest.raises(HoldfastError, match="The instance is already running"):
        world.power("c1", "start")
    world.power("c1", "freeze")
    assert _status(world, "c1") is StatusCode.FROZEN
    world.power("c1", "unfreeze")
    world.power("c1", "restart")
    world.power("c1", "stop", timeout_s=90)
    assert _status(world, "c1") is StatusCode.STOPPED
    actions = [action for action in world.actions() if action != "instance-created"]
    assert actions == [f"instance-{verb}" for verb in ("started", "paused", "resumed", "restarted", "shutdown")]


def test_running_ones_are_neither_renamed_nor_deleted(world: World) -> None:
    world.create("c1", "d", start=True)
    with pytest.raises(HoldfastError, match="Instance is running"):
        world.services.instances.delete(CALLER, "c1")
    with pytest.raises(HoldfastError, match="Renaming of running container not allowed"):
        world.finish(world.services.instances.rename(CALLER, "c1", "c2"))


def test_one_that_ends_by_itself_is_noted(world: World) -> None:
    world.create("c1", "d", start=True)
    _await_action(world, "instance-shutdown", lambda: world.runtime.kill("c1"))
    config = world.services.instances.get("default", "c1").instance.config
    assert config["volatile.last_state.power"] == "STOPPED"


def test_ephemeral_ones_go_when_they_stop_but_not_at_a_restart(world: World) -> None:
    root = {"root": {"type": "disk", "path": "/", "pool": "d"}}
    request = InstanceRequest(name="e1", devices=root, ephemeral=True, start=True)
    world.finish(world.services.instances.create(CALLER, request, FromImage(alias="tiny")))
    world.power("e1", "restart")
    assert world.names() == {"e1"}
    world.power("e1", "stop")
    assert world.names() == set()
    world.finish(world.services.instances.create(CALLER, replace(request, name="e2"), FromImage(alias="tiny")))
    _await_action(world, "instance-deleted", lambda: world.runtime.kill("e2"))
    assert world.names() == set()


def test_what_ran_runs_on_over_a_restart_of_the_server_and_the_rest_comes_back(the_world: World) -> None:
    world = the_world
    directory: Path = world.services.paths.root
    for name in ("keeps", "crashed", "stays", "wanted"):
        world.create(name, "d")
    for name in ("keeps", "crashed"):
        world.power(name, "start")
    world.services.instances.patch(CALLER, "wanted", InstanceChange(config={"boot.autostart": "true"}))
    pid = world.runtime.state("keeps").pid
    other = LxcRuntime(world.services.paths.run)
    world.services.power.close()  # a server that is down takes no notes
    other.kill("crashed")
    other.close()
    with open_world(directory) as later:
        later.services.autostart.start_all()
        status = {name: _status(later, name) for name in later.names()}
        assert status.pop("stays") is StatusCode.STOPPED
        assert set(status.values()) == {StatusCode.RUNNING}, status
        assert later.runtime.state("keeps").pid == pid
        assert later.run("keeps", "hostname") == (0, "keeps\n")
        later.clear()
