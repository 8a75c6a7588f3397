// Snapshots of instances, and what becomes of them.
import type { UseQueryResult } from "@tanstack/react-query";
import { api, begin, type Operation, type Schemas } from "../client";
import { useResource } from "../query-client";

export type Snapshot = Schemas["Snapshot"];
export type PlannedSnapshot = Schemas["PlannedSnapshot"];
export type SnapshotSchedule = Schemas["SnapshotSchedule"];

export function useSnapshots(instance: string, project: string, enabled = true): UseQueryResult<Snapshot[]> {
  return useResource<Snapshot[]>(api`/1.0/instances/${instance}/snapshots`, { recursion: 1, project }, { enabled });
}

export function useSnapshotPlan(instance: string, project: string): UseQueryResult<PlannedSnapshot[]> {
  return useResource<PlannedSnapshot[]>(api`/1.0/instances/${instance}/snapshot-plan`, { project });
}

export function useSchedules(project: string | undefined): UseQueryResult<SnapshotSchedule[]> {
  const query = project === undefined ? { recursion: 1, "all-projects": true } : { recursion: 1, project };
  return useResource<SnapshotSchedule[]>("/1.0/snapshot-schedules", query);
}

export function takeSnapshot(
  instance: string,
  project: string,
  body: Schemas["SnapshotsPost"],
): Promise<Operation> {
  return begin("POST", api`/1.0/instances/${instance}/snapshots`, body, { project });
}

export function changeSnapshot(
  instance: string,
  snapshot: string,
  project: string,
  body: Schemas["SnapshotPut"],
): Promise<Operation> {
  return begin("PATCH", api`/1.0/instances/${instance}/snapshots/${snapshot}`, body, { project });
}

export function renameSnapshot(
  instance: string,
  snapshot: string,
  project: string,
  newName: string,
): Promise<Operation> {
  const body: Schemas["SnapshotPost"] = { name: newName };
  return begin("POST", api`/1.0/instances/${instance}/snapshots/${snapshot}`, body, { project });
}

export function deleteSnapshot(instance: string, snapshot: string, project: string): Promise<Operation> {
  return begin("DELETE", api`/1.0/instances/${instance}/snapshots/${snapshot}`, undefined, { project });
}

export interface RestoreOptions {
  stateful: boolean;
  withVolumes: boolean;
}

export function restoreSnapshot(
  instance: string,
  snapshot: string,
  project: string,
  options: RestoreOptions,
): Promise<Operation> {
  const body: Schemas["InstancePut"] = {
    restore: snapshot,
    stateful: options.stateful,
    restore_disk_volumes_mode: options.withVolumes ? "all-exclusive" : "root",
  };
  return begin("PUT", api`/1.0/instances/${instance}`, body, { project });
}
