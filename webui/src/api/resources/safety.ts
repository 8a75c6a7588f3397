// How safe each instance and volume is: the ages of the newest snapshot, export file and copy, in one light list.
import type { UseQueryResult } from "@tanstack/react-query";
import type { Schemas } from "../client";
import { useResource } from "../query-client";

export type Safety = Schemas["Safety"];

export function useSafety(project: string | undefined): UseQueryResult<Safety[]> {
  return useResource<Safety[]>("/1.0/safety", project === undefined ? { "all-projects": true } : { project });
}
