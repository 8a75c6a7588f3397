// Export files that wait on the server.
import type { UseQueryResult } from "@tanstack/react-query";
import { api, begin, withQuery, type Operation, type Schemas } from "../client";
import { useResource } from "../query-client";
import type { VolumePlace } from "./volumes";

export type Backup = Schemas["Backup"];

export function useBackups(instance: string, project: string): UseQueryResult<Backup[]> {
  return useResource<Backup[]>(api`/1.0/instances/${instance}/backups`, { recursion: 1, project });
}

export function makeBackup(instance: string, project: string, body: Schemas["BackupsPost"]): Promise<Operation> {
  return begin("POST", api`/1.0/instances/${instance}/backups`, body, { project });
}

export function deleteBackup(instance: string, backup: string, project: string): Promise<Operation> {
  return begin("DELETE", api`/1.0/instances/${instance}/backups/${backup}`, undefined, { project });
}

export function renameBackup(instance: string, backup: string, project: string, newName: string): Promise<Operation> {
  const body: Schemas["BackupPost"] = { name: newName };
  return begin("POST", api`/1.0/instances/${instance}/backups/${backup}`, body, { project });
}

/** Where a browser downloads the file; a broken download goes on by ranges. */
export function backupAddress(instance: string, backup: string, project: string): string {
  return withQuery(api`/1.0/instances/${instance}/backups/${backup}/export`, { project });
}

/** Have the server read the whole file and check everything in it. */
export function verifyBackup(instance: string, backup: string, project: string): Promise<Operation> {
  return begin("POST", api`/1.0/instances/${instance}/backups/${backup}/verify`, {}, { project });
}

export interface TestOptions {
  pool: string;
  command: string;
  /** How long the command may take. */
  seconds: string;
}

/** Have the server import the file under another name, start it, and remove it. */
export function testBackup(
  instance: string,
  backup: string,
  project: string,
  { pool, command, seconds }: TestOptions,
): Promise<Operation> {
  const query = { project, instance, backup, pool: pool || undefined, command: command || undefined, timeout: seconds };
  return begin("POST", "/1.0/backup-tests", {}, query);
}

/** Have the server import a volume's file under another name, look through it, and remove it. */
export function testVolumeBackup({ pool, name, project }: VolumePlace, backup: string, tryIn: string): Promise<Operation> {
  const query = { project, volume: `${pool}/${name}`, backup, pool: tryIn || undefined };
  return begin("POST", "/1.0/backup-tests", {}, query);
}
