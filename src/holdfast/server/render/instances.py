"""Instances, their state, snapshots and backups as the API shows them."""

from __future__ import annotations

from holdfast.model.instance import Devices
from holdfast.server.etag import etag_of
from holdfast.server.render.backups import backup_shape
from holdfast.service.instance_views import InstanceFull, InstanceState, InstanceView, SnapshotView
from holdfast.wire import instance as wire
from holdfast.wire import snapshot as wire_snapshot
from holdfast.wire import state as wire_state
from holdfast.wire.timestamps import EPOCH, to_wire


def instance_shape(view: InstanceView) -> wire.Instance:
    instance = view.instance
    return wire.Instance(
        architecture=instance.architecture,
        config=dict(instance.config),
        devices=_devices(instance.devices),
        ephemeral=instance.ephemeral,
        profiles=list(instance.profiles),
        stateful=instance.stateful,
        description=instance.description,
        created_at=to_wire(instance.created_at),
        expanded_config=dict(view.expanded_config),
        expanded_devices=_devices(view.expanded_devices),
        name=instance.name,
        status=view.status.text,
        status_code=int(view.status),
        last_used_at=to_wire(instance.last_used_at, EPOCH),
        type=instance.type.value,
        project=instance.project,
    )


def full_shape(full: InstanceFull) -> wire.InstanceFull:
    """Lists that are empty are null, as LXD's are."""
    return wire.with_details(
        instance_shape(full.view),
        backups=[backup_shape(each) for each in full.backups] or None,
        state=state_shape(full.state),
        snapshots=[snapshot_shape(each) for each in full.snapshots] or None,
    )


def instance_etag(view: InstanceView) -> str:
    instance = view.instance
    return etag_of(
        instance.architecture,
        instance.config,
        instance.devices,
        instance.ephemeral,
        instance.profiles,
        instance.description,
    )


def snapshot_shape(view: SnapshotView) -> wire_snapshot.Snapshot:
    snapshot = view.snapshot
    return wire_snapshot.Snapshot(
        architecture=snapshot.architecture,
        config=dict(snapshot.config),
        created_at=to_wire(snapshot.created_at),
        devices=_devices(snapshot.devices),
        ephemeral=snapshot.ephemeral,
        expanded_config=dict(view.expanded_config),
        expanded_devices=_devices(view.expanded_devices),
        expires_at=to_wire(snapshot.expires_at),
        last_used_at=to_wire(snapshot.last_used_at),
        name=snapshot.name,
        profiles=list(snapshot.profiles),
        size=view.size_bytes,
        stateful=snapshot.stateful,
        description=snapshot.description,
        held=snapshot.is_held,
        schedule=snapshot.schedule,
        due_at=to_wire(snapshot.due_at),
    )


def snapshot_etag(view: SnapshotView) -> str:
    snapshot = view.snapshot
    return etag_of(to_wire(snapshot.expires_at), snapshot.description, snapshot.is_held)


def state_shape(state: InstanceState) -> wire_state.InstanceState:
    runtime = state.runtime
    network = None
    if runtime.network is not None:
        network = {
            name: wire_state.NetworkState(
                addresses=[
                    wire_state.Address(family=each.family, address=each.address, netmask=each.netmask, scope=each.scope)
                    for each in interface.addresses
                ],
                counters=wire_state.Counters(**interface.counters),
                hwaddr=interface.hwaddr,
                host_name=interface.host_name,
                mtu=interface.mtu,
                state=interface.state,
                type=interface.type,
            )
            for name, interface in runtime.network.items()
        }
    return wire_state.InstanceState(
        status=runtime.status.text,
        status_code=int(runtime.status),
        disk={name: wire_state.DiskState(usage=usage) for name, usage in state.disk.items()},
        memory=wire_state.MemoryState(
            usage=runtime.memory_usage,
            usage_peak=runtime.memory_usage_peak,
            swap_usage=runtime.swap_usage,
            swap_usage_peak=runtime.swap_usage_peak,
        ),
        network=network,
        pid=runtime.pid,
        processes=runtime.processes,
        cpu=wire_state.CpuState(usage=runtime.cpu_ns),
    )


def _devices(devices: Devices) -> dict[str, dict[str, str]]:
    return {name: dict(device) for name, device in devices.items()}
