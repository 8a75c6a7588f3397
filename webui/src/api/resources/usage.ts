// How large instances, volumes and their snapshots are: measured when somebody asks, as that takes the server some time.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { get, type Schemas } from "../client";

export type TreeUsage = Schemas["TreeUsage"];

/** `path` is that of the instance or volume; call `refetch` to measure. What was measured stays until then. */
export function useUsage(path: string, project: string, snapshot = ""): UseQueryResult<TreeUsage> {
  const query = { project, snapshot };
  return useQuery({
    queryKey: [`${path}/usage`, query],
    queryFn: ({ signal }) => get<TreeUsage>(`${path}/usage`, query, signal),
    enabled: false,
    gcTime: Infinity,
  });
}
