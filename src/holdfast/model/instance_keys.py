"""The configuration keys of instances and profiles: type, default, live or not, and what they are for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from holdfast.model import config_values as values
from holdfast.model.config_keys import ConfigKey
from holdfast.model.config_values import Check
from holdfast.model.errors import BadRequestError
from holdfast.model.snapshot_keys import INSTANCE_SNAPSHOT_KEYS, ScheduledKeyTable


def _key(
    name: str, kind: str, check: Check, doc: str, *, default: str = "", is_live: bool = False, kept: bool = False
) -> ConfigKey:
    return ConfigKey(name=name, type=kind, check=check, doc=doc, default=default, is_live=is_live, kept_in_copies=kept)


_BOOT: Final = (
    _key("boot.autostart", "bool", values.boolean, "Start with the server (unset: as it was left)", is_live=True),
    _key("boot.autostart.delay", "int", values.unsigned, "Seconds to wait after its start", default="0", is_live=True),
    _key("boot.autostart.priority", "int", values.integer, "Higher ones start first", default="0", is_live=True),
    _key("boot.host_shutdown_timeout", "int", values.unsigned, "Seconds for a clean stop", default="30", is_live=True),
    _key("boot.stop.priority", "int", values.integer, "Higher ones stop first", default="0", is_live=True),
)

_LIMITS: Final = (
    _key("limits.cpu", "string", values.cpu_set, "Number or set of CPUs", is_live=True),
    _key("limits.cpu.allowance", "string", values.cpu_allowance, "Share (50%) or budget (25ms/100ms)", is_live=True),
    _key("limits.cpu.priority", "int", values.priority, "Weight against others, 0 to 10", default="10", is_live=True),
    _key("limits.disk.priority", "int", values.priority, "Weight of disk use, 0 to 10", default="5", is_live=True),
    _key("limits.hugepages.64KB", "size", values.size, "Memory in pages of 64 KiB", is_live=True),
    _key("limits.hugepages.1MB", "size", values.size, "Memory in pages of 1 MiB", is_live=True),
    _key("limits.hugepages.2MB", "size", values.size, "Memory in pages of 2 MiB", is_live=True),
    _key("limits.hugepages.1GB", "size", values.size, "Memory in pages of 1 GiB", is_live=True),
    _key("limits.memory", "size", values.memory, "Memory, as a size or a share of the host's", is_live=True),
    _key(
        "limits.memory.enforce",
        "string",
        values.one_of("soft", "hard"),
        "soft: may use more while the host has it",
        default="hard",
        is_live=True,
    ),
    _key("limits.memory.hugepages", "bool", values.boolean, "Back a virtual machine by huge pages", default="false"),
    _key("limits.memory.swap", "bool", values.swap, "May be swapped out", default="true", is_live=True),
    _key("limits.memory.swap.priority", "int", values.priority, "Less likely swapped, 0 to 10", default="10"),
    _key("limits.network.priority", "int", values.priority, "Weight of network use, 0 to 10", default="0"),
    _key("limits.processes", "int", values.unsigned, "Number of processes", is_live=True),
    _key("limits.kernel.*", "string", values.any_text, "Resource limits such as limits.kernel.nofile"),
    _key("linux.kernel_modules", "string", values.any_text, "Kernel modules to load before the start"),
    _key("linux.sysctl.*", "string", values.any_text, "Kernel parameters inside the container"),
)

_MIGRATION: Final = (
    _key("migration.incremental.memory", "bool", values.boolean, "Move memory in rounds", default="false"),
    _key("migration.incremental.memory.goal", "int", values.unsigned, "Percent in sync to stop at", default="70"),
    _key("migration.incremental.memory.iterations", "int", values.unsigned, "Rounds at most", default="10"),
    _key("migration.stateful", "bool", values.boolean, "May be saved with its memory", default="false"),
    _key("cluster.evacuate", "string", values.any_text, "What to do when the member is evacuated", default="auto"),
)

_SECURITY: Final = (
    _key("security.privileged", "bool", values.boolean, "root inside is root outside", default="false"),
    _key("security.nesting", "bool", values.boolean, "Containers may run inside", default="false"),
    _key("security.idmap.isolated", "bool", values.boolean, "A range of ids of its own", default="false"),
    _key("security.idmap.base", "int", values.unsigned, "First id of its own range"),
    _key("security.idmap.size", "int", values.unsigned, "Length of its own range"),
    _key("raw.idmap", "string", values.any_text, "Single ids that are mapped through"),
    _key("security.protection.delete", "bool", values.boolean, "Refuse to delete it", default="false", is_live=True),
    _key("security.protection.shift", "bool", values.boolean, "Never change owners on disk", default="false"),
    _key("security.devlxd", "bool", values.boolean, "Show /dev/lxd inside", default="true"),
    _key("security.devlxd.images", "bool", values.boolean, "Show images through /dev/lxd", default="false"),
    _key("security.secureboot", "bool", values.boolean, "UEFI secure boot of a virtual machine", default="true"),
    _key("security.agent.metrics", "bool", values.boolean, "Ask the agent for metrics", default="true"),
    _key("security.syscalls.allow", "string", values.any_text, "System calls that are allowed"),
    _key("security.syscalls.deny", "string", values.any_text, "System calls that are refused"),
    _key("security.syscalls.deny_default", "bool", values.boolean, "Refuse the usual ones", default="true"),
    _key("security.syscalls.deny_compat", "bool", values.boolean, "Refuse 32 bit calls", default="false"),
    _key("security.syscalls.whitelist", "string", values.any_text, "Old name of security.syscalls.allow"),
    _key("security.syscalls.blacklist", "string", values.any_text, "Old name of security.syscalls.deny"),
    _key("security.syscalls.blacklist_default", "bool", values.boolean, "Old name of .deny_default", default="true"),
    _key("security.syscalls.blacklist_compat", "bool", values.boolean, "Old name of .deny_compat", default="false"),
    _key("security.syscalls.intercept.bpf", "bool", values.boolean, "Handle bpf", default="false"),
    _key("security.syscalls.intercept.bpf.devices", "bool", values.boolean, "Device programs by bpf", default="false"),
    _key("security.syscalls.intercept.mknod", "bool", values.boolean, "Handle mknod", default="false"),
    _key("security.syscalls.intercept.mount", "bool", values.boolean, "Handle mount", default="false"),
    _key("security.syscalls.intercept.mount.allowed", "string", values.any_text, "File systems that may be mounted"),
    _key("security.syscalls.intercept.mount.fuse", "string", values.any_text, "Mounts that go to FUSE instead"),
    _key("security.syscalls.intercept.mount.shift", "bool", values.boolean, "Shift such mounts", default="false"),
    _key("security.syscalls.intercept.sched_setscheduler", "bool", values.boolean, "Handle it", default="false"),
    _key("security.syscalls.intercept.setxattr", "bool", values.boolean, "Handle setxattr", default="false"),
    _key("security.syscalls.intercept.sysinfo", "bool", values.boolean, "Show limits in sysinfo", default="false"),
)

_OTHERS: Final = (
    _key("agent.nic_config", "bool", values.boolean, "Give NICs the names of their devices", default="false"),
    _key("cloud-init.network-config", "string", values.any_text, "cloud-init: network"),
    _key("cloud-init.user-data", "string", values.any_text, "cloud-init: user data"),
    _key("cloud-init.vendor-data", "string", values.any_text, "cloud-init: vendor data"),
    _key("environment.*", "string", values.any_text, "Environment of init and of exec", is_live=True),
    _key("image.*", "string", values.any_text, "Properties of the image it was made from", is_live=True),
    _key("nvidia.driver.capabilities", "string", values.any_text, "NVIDIA driver parts", default="compute,utility"),
    _key("nvidia.require.cuda", "string", values.any_text, "CUDA version needed"),
    _key("nvidia.require.driver", "string", values.any_text, "NVIDIA driver version needed"),
    _key("nvidia.runtime", "bool", values.boolean, "Pass the NVIDIA libraries in", default="false"),
    _key("raw.apparmor", "string", values.any_text, "Lines for the AppArmor profile"),
    _key("raw.lxc", "string", values.lxc_lines, "Lines for liblxc's configuration"),
    _key("raw.qemu", "string", values.any_text, "Arguments for QEMU"),
    _key("raw.qemu.conf", "string", values.any_text, "Overrides of QEMU's configuration"),
    _key("raw.seccomp", "string", values.any_text, "The seccomp profile"),
    _key("user.*", "string", values.any_text, "Yours", is_live=True),
)

_VOLATILE: Final = (
    _key("volatile.apply_nvram", "bool", values.boolean, "Make the NVRAM anew at the next start"),
    _key("volatile.apply_quota", "string", values.any_text, "A size to apply at the next start"),
    _key("volatile.apply_template", "string", values.any_text, "Templates to apply at the next start"),
    _key("volatile.base_image", "string", values.any_text, "Fingerprint of its image", kept=True),
    _key("volatile.cloud-init.instance-id", "string", values.any_text, "cloud-init's instance id"),
    _key("volatile.evacuate.origin", "string", values.any_text, "Where it was evacuated from"),
    _key("volatile.idmap.base", "int", values.unsigned, "First id of its map"),
    _key("volatile.idmap.current", "string", values.any_text, "Map in use, JSON"),
    _key("volatile.idmap.next", "string", values.any_text, "Map of the next start, JSON"),
    _key("volatile.last_state.idmap", "string", values.any_text, "Map of the files on disk, JSON", kept=True),
    _key("volatile.last_state.power", "string", values.any_text, "RUNNING or STOPPED when last seen"),
    _key("volatile.last_state.ready", "string", values.any_text, "Said to be ready when last seen"),
    _key("volatile.uuid", "uuid", values.uuid, "Its identity"),
    _key("volatile.uuid.generation", "uuid", values.uuid, "Changes when it goes back in time"),
    _key("volatile.attached_volumes", "string", values.any_text, "Snapshots of attached volumes, JSON"),
    _key("volatile.vsock_id", "string", values.any_text, "Socket number of a virtual machine"),
)

_DEVICE_SUFFIXES: Final = (
    *("apply_quota", "ceph_rbd", "host_name", "hwaddr", "id", "last_state.created", "last_state.hwaddr"),
    *("last_state.ip_addresses", "last_state.mtu", "last_state.pci.driver", "last_state.pci.parent"),
    *("last_state.pci.slot.name", "last_state.usb.bus", "last_state.usb.device", "last_state.vdpa.name"),
    *("last_state.vf.hwaddr", "last_state.vf.id", "last_state.vf.parent", "last_state.vf.spoofcheck"),
    *("last_state.vf.vlan", "name", "spoofcheck", "uuid", "vgpu.uuid"),
)


class InstanceKeys(ScheduledKeyTable):
    """The table of instances: beside its keys, `volatile.<device>.<suffix>` with the known suffixes, and schedules."""

    def find(self, name: str) -> ConfigKey | None:
        found = super().find(name)
        if found is None and name.startswith("volatile."):
            for suffix in _DEVICE_SUFFIXES:
                if name.endswith(f".{suffix}") and len(name) > len("volatile.") + len(suffix) + 1:
                    return _key(name, "string", values.any_text, "Kept for a device")
        return found


INSTANCE_KEYS: Final = InstanceKeys(
    (*INSTANCE_SNAPSHOT_KEYS, *_BOOT, *_LIMITS, *_MIGRATION, *_SECURITY, *_OTHERS, *_VOLATILE)
)


def check_instance_config(config: Mapping[str, str], *, is_imported: bool = False) -> None:
    """Raise `BadRequestError` for an unknown key or a value that doesn't fit.

    `is_imported`: the config comes with an export, where a name pattern that only LXD understands must not make the
    data unreadable; it is refused when it is used.
    """
    _check(config, unchecked=("snapshots.pattern",) if is_imported else ())


def check_profile_config(config: Mapping[str, str]) -> None:
    """As for instances, without what only one instance can have."""
    for name in config:
        if name.startswith(("volatile.", "image.")):
            raise BadRequestError(f"{name.partition('.')[0].capitalize()} keys can only be set on instances")
    _check(config)


def _check(config: Mapping[str, str], unchecked: tuple[str, ...] = ()) -> None:
    """Check one after the other; LXD's texts tell of values without their keys, so the key is added."""
    for name, value in config.items():
        try:
            INSTANCE_KEYS.check({name: value}, unchecked=unchecked)
        except BadRequestError as error:
            raise error if name in str(error) else BadRequestError(f"{error} ({name})") from error


def is_live(name: str) -> bool:
    """Tell whether a change of the key takes effect while the instance runs."""
    key = INSTANCE_KEYS.find(name)
    return key is not None and (key.is_live or name.startswith("volatile."))


def copied_config(config: Mapping[str, str]) -> dict[str, str]:
    """Return what of the config goes into a copy on this server: no identity, no state of the running one."""
    kept = {}
    for name, value in config.items():
        key = INSTANCE_KEYS.find(name)
        if not name.startswith("volatile.") or (key is not None and key.kept_in_copies):
            kept[name] = value
    return kept
