"""Limits of running containers, as the kernel has them after a change of the instance or of its profile."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from holdfast.host.cgroups import hierarchies
from holdfast.model.clock import SystemClock
from holdfast.model.errors import RuntimeFailure
from holdfast.model.instance_changes import InstanceChange
from holdfast.runtime.lxc.naming import Naming
from holdfast.service.live_limits import LiveLimits
from holdfast.service.surroundings import Surroundings
from support.world import CALLER, World, furnished_world

pytestmark = [pytest.mark.root, pytest.mark.needs("mkfs.btrfs", "busybox")]
VERSION_2 = {"memory.limit_in_bytes": "memory.max", "cpu.shares": "cpu.weight"}
MIB = 1 << 20
NAME = "limited"


@pytest.fixture(scope="module")
def the_world() -> Iterator[World]:
    with furnished_world() as world:
        yield world


@pytest.fixture
def world(the_world: World) -> Iterator[World]:
    the_world.create(NAME, "d", start=True)
    yield the_world
    the_world.clear()
    the_world.services.profiles.patch(CALLER, "default", config={"limits.memory": "", "limits.processes": ""})
    assert the_world.left_over() == []


def limit(world: World, file: str) -> str:
    """Return a value of the container's group; files are named as in version 1."""
    host = hierarchies()
    controller = file.partition(".")[0]
    if not host.has(controller):
        pytest.skip(f"needs the {controller} controller")
    root = host.v1.get(controller, host.unified)
    assert root is not None
    group = root / Naming.of(world.services.paths.run.resolve()).payload(NAME)
    return (group / (file if host.is_v1(controller) else VERSION_2.get(file, file))).read_text().strip()


def configure(world: World, **config: str) -> None:
    changes = {f"limits.{key}": value for key, value in config.items()}
    world.services.instances.patch(CALLER, NAME, InstanceChange(config=changes))


def test_limits_of_an_instance_come_change_and_go(world: World) -> None:
    unset = {file: limit(world, file) for file in ("memory.limit_in_bytes", "pids.max", "cpuset.cpus", "cpu.shares")}
    configure(world, memory="256MiB", processes="77", cpu="0-0", **{"cpu.priority": "5"})
    assert limit(world, "memory.limit_in_bytes") == str(256 * MIB)
    assert limit(world, "pids.max") == "77"
    assert limit(world, "cpuset.cpus") == "0"
    assert limit(world, "cpu.shares") != unset["cpu.shares"]
    configure(world, memory="128MiB", processes="78")
    assert limit(world, "memory.limit_in_bytes") == str(128 * MIB)
    assert limit(world, "pids.max") == "78"
    configure(world, memory="", processes="", cpu="", **{"cpu.priority": ""})
    assert {file: limit(world, file) for file in unset} == unset
    assert world.run(NAME, "true")[0] == 0


def test_limits_of_a_profile_reach_the_instances_that_have_it(world: World) -> None:
    world.services.profiles.patch(CALLER, "default", config={"limits.memory": "300MiB", "limits.processes": "99"})
    assert (limit(world, "memory.limit_in_bytes"), limit(world, "pids.max")) == (str(300 * MIB), "99")
    configure(world, processes="55")
    world.services.profiles.patch(CALLER, "default", config={"limits.memory": "200MiB", "limits.processes": "44"})
    assert (limit(world, "memory.limit_in_bytes"), limit(world, "pids.max")) == (str(200 * MIB), "55"), (
        "the instance's own wins"
    )
    configure(world, processes="")
    assert limit(world, "pids.max") == "44"


def test_what_the_kernel_refuses_changes_nothing(world: World) -> None:
    configure(world, processes="77", cpu="0-0")
    with pytest.raises(RuntimeFailure, match="the kernel refuses 4000-4000 for cpuset"):
        configure(world, processes="78", cpu="4000-4000")
    assert (limit(world, "pids.max"), limit(world, "cpuset.cpus")) == ("77", "0")
    assert world.services.instances.get("default", NAME).instance.config["limits.processes"] == "77"


def test_limits_go_back_when_the_change_fails_later(world: World) -> None:
    configure(world, processes="77")
    instance = world.services.instances.get("default", NAME).instance
    services = world.services
    surroundings = Surroundings(
        database=services.database,
        paths=services.paths,
        pools=services.pools,
        profiles=services.profiles,
        runtime=world.runtime,
        locks=services.locks,
        intents=services.intents,
        operations=services.operations,
        events=services.events,
        clock=SystemClock(),
    )
    limits = LiveLimits(surroundings)
    with pytest.raises(OSError, match="later"), limits.changed(instance, instance.config, {"limits.processes": "5"}):
        assert limit(world, "pids.max") == "5"
        raise OSError("later")
    assert limit(world, "pids.max") == "77"


def test_a_stopped_instance_takes_any_limit(world: World) -> None:
    world.power(NAME, "stop")
    configure(world, processes="66")
    world.power(NAME, "start")
    assert limit(world, "pids.max") == "66"
