// Warnings: what the server found wrong by itself.
import type { UseQueryResult } from "@tanstack/react-query";
import { api, change, type Schemas } from "../client";
import { useResource } from "../query-client";

export type ServerWarning = Schemas["ServerWarning"];

/** For those only who may do everything. Without a project: all. Those that are acknowledged or resolved are among them. */
export function useWarnings(project: string | undefined, enabled = true): UseQueryResult<ServerWarning[]> {
  const query = project === undefined ? { recursion: 1, "all-projects": true } : { recursion: 1, project };
  return useResource<ServerWarning[]>("/1.0/warnings", query, { enabled });
}

export function acknowledgeWarning(id: string): Promise<void> {
  const body: Schemas["WarningPut"] = { status: "acknowledged" };
  return change("PATCH", api`/1.0/warnings/${id}`, body);
}

export function deleteWarning(id: string): Promise<void> {
  return change("DELETE", api`/1.0/warnings/${id}`);
}
