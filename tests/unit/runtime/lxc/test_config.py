"""The text of a container's configuration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from holdfast.host.cgroups import Hierarchies
from holdfast.model.errors import BadRequestError
from holdfast.runtime.base import IdMap, Nic, StartSpec
from holdfast.runtime.lxc.config import HostFacts, render
from holdfast.runtime.lxc.limits import HostSize

ROOT = Path("/pool/c1/rootfs")
SPEC = StartSpec(
    key="c1",
    hostname="c1",
    rootfs=ROOT,
    architecture="x86_64",
    idmap=IdMap(host_base=100000, size=65536),
    is_rootfs_shifted=False,
    config={},
    log_dir=Path("/logs/c1"),
)
FACTS = HostFacts(
    hierarchies=Hierarchies(v1={}, unified=Path("/sys/fs/cgroup")),
    size=HostSize(memory_bytes=1 << 30, cpus=(0, 1)),
    has_apparmor=False,
    payload_group="payload",
    monitor_group="monitor",
    seccomp_path=Path("/run/seccomp"),
    root=ROOT,
    hooks={"post-stop": Path("/a folder/post-stop")},
)


def lines(spec: StartSpec, facts: HostFacts = FACTS) -> list[str]:
    return render(spec, facts).splitlines()


def test_unprivileged_unshifted() -> None:
    text = lines(SPEC)
    assert "lxc.rootfs.path = dir:/pool/c1/rootfs" in text
    assert "lxc.rootfs.options = idmap=container" in text
    assert "lxc.idmap = u 0 100000 65536" in text
    assert "lxc.idmap = g 0 100000 65536" in text
    assert "lxc.mount.auto = proc:rw sys:rw cgroup:mixed" in text
    assert "lxc.cgroup2.devices.deny = a" in text
    assert "lxc.seccomp.profile = /run/seccomp" in text
    assert "lxc.hook.post-stop = '/a folder/post-stop'" in text
    assert "lxc.net.0.type = empty" in text


def test_shifted_root_is_mounted_as_it_is() -> None:
    assert not any("rootfs.options" in line for line in lines(replace(SPEC, is_rootfs_shifted=True)))


def test_privileged_has_no_map_and_less_of_the_kernel() -> None:
    text = lines(replace(SPEC, idmap=None))
    assert not any(line.startswith(("lxc.idmap", "lxc.rootfs.options")) for line in text)
    assert "lxc.mount.auto = proc:mixed sys:mixed cgroup:mixed" in text
    assert not any("/sys/kernel/debug" in line for line in text)


def test_devices_by_version_1() -> None:
    facts = replace(FACTS, hierarchies=Hierarchies(v1={"devices": Path("/d")}, unified=None))
    assert "lxc.cgroup.devices.deny = a" in lines(SPEC, facts)


def test_apparmor_where_the_kernel_has_it() -> None:
    facts = replace(FACTS, has_apparmor=True)
    nested = replace(SPEC, config={"security.nesting": "True"})
    assert "lxc.apparmor.profile = generated" in lines(SPEC, facts)
    assert "lxc.apparmor.allow_nesting = 1" in lines(nested, facts)
    assert not any("apparmor" in line for line in lines(nested))


def test_nics() -> None:
    nics = (
        Nic(name="eth0", parent="br0", hwaddr="00:16:3e:00:00:01", host_name="veth1", mtu=1400),
        Nic(name="eth1", parent=None, hwaddr="00:16:3e:00:00:02", host_name="veth2"),
    )
    text = lines(replace(SPEC, nics=nics))
    assert "lxc.net.0.link = br0" in text
    assert "lxc.net.0.mtu = 1400" in text
    assert "lxc.net.1.veth.pair = veth2" in text
    assert not any(line.startswith(("lxc.net.1.link", "lxc.net.1.mtu")) for line in text)


def test_free_keys_and_raw_come_last() -> None:
    config = {
        "environment.A": "b c=d",
        "linux.sysctl.net.ipv4.ip_forward": "1",
        "limits.kernel.nofile": "1000:2000",
        "raw.lxc": "lxc.tty.max = 3\nlxc.signal.halt = SIGTERM\n",
        "user.x": "ignored",
    }
    text = lines(replace(SPEC, config=config))
    assert "lxc.environment = A=b c=d" in text
    assert "lxc.sysctl.net.ipv4.ip_forward = 1" in text
    assert "lxc.prlimit.nofile = 1000:2000" in text
    assert text[-2:] == ["lxc.tty.max = 3", "lxc.signal.halt = SIGTERM"]
    assert not any("ignored" in line for line in text)


@pytest.mark.parametrize(
    "config",
    [
        {"environment.A": "x\nlxc.hook.start-host = /evil"},
        {"linux.sysctl.a": "1\rlxc.hook.start-host = /evil"},
        {"environment.A\nlxc.hook.start-host = /evil\nlxc.environment = B": "x"},
        {"linux.sysctl.a = 1\nlxc.hook.start-host": "/evil"},
        {"limits.kernel.nofile = 1 \nlxc.hook.start-host": "/evil"},
    ],
)
def test_threat_config_values_can_not_add_lines(config: dict[str, str]) -> None:
    """A hook line would be run by root on the host."""
    with pytest.raises(BadRequestError):
        render(replace(SPEC, config=config), FACTS)


def test_threat_config_keys_can_not_become_other_keys() -> None:
    with pytest.raises(BadRequestError):
        render(replace(SPEC, config={"linux.sysctl.a = 1 #": "x"}), FACTS)


def test_threat_hostname_can_not_add_lines() -> None:
    with pytest.raises(BadRequestError):
        render(replace(SPEC, hostname="a\nlxc.hook.pre-start = /evil"), FACTS)
