// Custom volumes, their snapshots and export files.
import { useQueries, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { api, begin, beginOrChange, change, get, withQuery, type Operation, type Schemas } from "../client";
import { useResource } from "../query-client";
import { usePools } from "./server";

/** A volume with the pool that it is in, which the server's answer leaves out. */
export interface Volume extends WireVolume {
  pool: string;
}

/** A volume of a list, with what the list says of its snapshots. */
export interface ListedVolume extends Volume {
  snapshots: VolumePoint[];
}

/** A snapshot as lists of volumes tell of it. */
export interface VolumePoint {
  name: string;
  created_at: string;
}

type WireVolume = Schemas["Volume"];
export type VolumeSnapshot = Schemas["VolumeSnapshot"];
export type VolumeBackup = Schemas["VolumeBackup"];
/** Which volume: what its address is made of. */
export type VolumePlace = Pick<Volume, "pool" | "name" | "project">;

export const volumePath = ({ pool, name }: Pick<VolumePlace, "pool" | "name">): string =>
  api`/1.0/storage-pools/${pool}/volumes/custom/${name}`;

interface Listed {
  data: ListedVolume[] | undefined;
  error: unknown;
  isError: boolean;
  refetch: () => void;
}

/** Part the server's flat list, where snapshots stand as `volume/snapshot`, into volumes. */
function gather(pool: string, found: WireVolume[]): ListedVolume[] {
  const points = new Map<string, VolumePoint[]>();
  for (const { name, project, created_at } of found) {
    const [volume = "", snapshot] = name.split("/");
    if (snapshot === undefined) continue;
    const key = `${project}/${volume}`;
    points.set(key, [...(points.get(key) ?? []), { name: snapshot, created_at }]);
  }
  return found
    .filter((volume) => volume.type === "custom" && !volume.name.includes("/"))
    .map((volume) => ({ ...volume, pool, snapshots: points.get(`${volume.project}/${volume.name}`) ?? [] }));
}

/** All custom volumes of all pools. */
export function useVolumes(project: string | undefined): Listed {
  const pools = usePools();
  const query = project === undefined ? { recursion: 1, "all-projects": true } : { recursion: 1, project };
  const lists = useQueries({
    queries: (pools.data ?? []).map(({ name: pool }) => {
      const path = api`/1.0/storage-pools/${pool}/volumes/custom`;
      return {
        queryKey: [path, query],
        queryFn: async ({ signal }: { signal: AbortSignal }) => get<WireVolume[]>(path, query, signal),
        select: (found: WireVolume[]) => gather(pool, found),
      };
    }),
  });
  const failed = [pools, ...lists].find((each) => each.isError);
  const isWhole = pools.data !== undefined && lists.every((each) => each.data !== undefined);
  return {
    data: isWhole ? lists.flatMap((each) => each.data ?? []) : undefined,
    error: failed?.error,
    isError: failed !== undefined,
    refetch: () => [pools, ...lists].forEach((each) => void each.refetch()),
  };
}

export function useVolume(place: VolumePlace): UseQueryResult<WireVolume> {
  return useResource<WireVolume>(volumePath(place), { project: place.project });
}

export function createVolume(pool: string, project: string, body: Schemas["VolumesPost"]): Promise<Operation | undefined> {
  return beginOrChange("POST", api`/1.0/storage-pools/${pool}/volumes/custom`, body, { project });
}

export function deleteVolume(place: VolumePlace): Promise<Operation | undefined> {
  return beginOrChange("DELETE", volumePath(place), undefined, { project: place.project });
}

/** Rename, or move to another pool. */
export function moveVolume(place: VolumePlace, to: { name: string; pool: string }): Promise<Operation | undefined> {
  const body: Schemas["VolumePost"] = to.pool === place.pool ? { name: to.name } : to;
  return beginOrChange("POST", volumePath(place), body, { project: place.project });
}

export function putVolume(place: VolumePlace, body: Schemas["VolumePut"]): Promise<Operation | undefined> {
  return beginOrChange("PUT", volumePath(place), body, { project: place.project });
}

export function patchVolume(place: VolumePlace, body: Schemas["VolumePatch"]): Promise<Operation | undefined> {
  return beginOrChange("PATCH", volumePath(place), body, { project: place.project });
}

/** The snapshots under their own names: the server tells them as `volume/snapshot`. */
export function useVolumeSnapshots(place: VolumePlace): UseQueryResult<VolumeSnapshot[]> {
  const path = `${volumePath(place)}/snapshots`;
  const query = { recursion: 1, project: place.project };
  return useQuery({
    queryKey: [path, query],
    queryFn: ({ signal }) => get<VolumeSnapshot[]>(path, query, signal),
    select: named,
  });
}

function named(snapshots: VolumeSnapshot[]): VolumeSnapshot[] {
  return snapshots.map((snapshot) => ({ ...snapshot, name: snapshot.name.split("/").at(-1) ?? "" }));
}

const snapshotPath = (place: VolumePlace, snapshot: string): string => volumePath(place) + api`/snapshots/${snapshot}`;

export function takeVolumeSnapshot(place: VolumePlace, body: Schemas["VolumeSnapshotsPost"]): Promise<Operation> {
  return begin("POST", `${volumePath(place)}/snapshots`, body, { project: place.project });
}

export function changeVolumeSnapshot(
  place: VolumePlace,
  snapshot: string,
  body: Schemas["VolumeSnapshotPatch"],
): Promise<void> {
  return change("PATCH", snapshotPath(place, snapshot), body, { project: place.project });
}

export function renameVolumeSnapshot(place: VolumePlace, snapshot: string, newName: string): Promise<Operation> {
  const body: Schemas["VolumeSnapshotPost"] = { name: newName };
  return begin("POST", snapshotPath(place, snapshot), body, { project: place.project });
}

export function deleteVolumeSnapshot(place: VolumePlace, snapshot: string): Promise<Operation> {
  return begin("DELETE", snapshotPath(place, snapshot), undefined, { project: place.project });
}

export function restoreVolume(place: VolumePlace, snapshot: string): Promise<Operation | undefined> {
  const body: Schemas["VolumePut"] = { restore: snapshot };
  return beginOrChange("PUT", volumePath(place), body, { project: place.project });
}

export function useVolumeBackups(place: VolumePlace): UseQueryResult<VolumeBackup[]> {
  return useResource<VolumeBackup[]>(`${volumePath(place)}/backups`, { recursion: 1, project: place.project });
}

export function makeVolumeBackup(place: VolumePlace, body: Schemas["VolumeBackupsPost"]): Promise<Operation> {
  return begin("POST", `${volumePath(place)}/backups`, body, { project: place.project });
}

export function deleteVolumeBackup(place: VolumePlace, backup: string): Promise<Operation> {
  return begin("DELETE", volumePath(place) + api`/backups/${backup}`, undefined, { project: place.project });
}

export function renameVolumeBackup(place: VolumePlace, backup: string, newName: string): Promise<Operation> {
  const body: Schemas["BackupPost"] = { name: newName };
  return begin("POST", volumePath(place) + api`/backups/${backup}`, body, { project: place.project });
}

/** Where a browser downloads the file; a broken download goes on by ranges. */
export function volumeBackupAddress(place: VolumePlace, backup: string): string {
  return withQuery(volumePath(place) + api`/backups/${backup}/export`, { project: place.project });
}

/** Have the server read the whole file and check everything in it. */
export function verifyVolumeBackup(place: VolumePlace, backup: string): Promise<Operation> {
  return begin("POST", volumePath(place) + api`/backups/${backup}/verify`, {}, { project: place.project });
}
