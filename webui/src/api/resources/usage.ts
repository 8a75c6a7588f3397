// How large instances, volumes and their snapshots are: measured when somebody asks, as that takes the server some time;
// what was measured before is remembered by the server.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { api, get, type Schemas } from "../client";
import { queryClient } from "../query-client";

export type TreeUsage = Schemas["TreeUsage"];
type RememberedUsage = Schemas["RememberedUsage"];

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

/** Read the lists of what is remembered anew: something was measured. */
export function noteMeasured(): void {
  void queryClient.invalidateQueries({ queryKey: ["/1.0/usage"] });
}

/** What instances and volumes took when they were measured last, by `sizeKey`; undefined stands for all projects. */
export function useRememberedSizes(project: string | undefined): ReadonlyMap<string, number> {
  const query = project === undefined ? { "all-projects": true } : { project };
  const { data } = useQuery({
    queryKey: ["/1.0/usage", query],
    queryFn: ({ signal }) => get<RememberedUsage[]>("/1.0/usage", query, signal),
    select: sizesOf,
  });
  return data ?? NOTHING;
}

const NOTHING: ReadonlyMap<string, number> = new Map();

/** The key of a size; `path` is that of the instance or volume. */
export const sizeKey = (path: string, project: string): string => `${project}:${decodeURIComponent(path)}`;

function sizesOf(found: RememberedUsage[]): ReadonlyMap<string, number> {
  return new Map(
    found.map(({ subject, bytes }) => {
      const [path = "", query = ""] = subject.split("?");
      return [sizeKey(path, new URLSearchParams(query).get("project") ?? "default"), bytes];
    }),
  );
}

/** What the server remembers; one request answers for all that are in a list together. */
export function useRememberedUsage(path: string, project: string, snapshot = ""): TreeUsage | undefined {
  const list = snapshot === "" ? "/1.0/usage" : `${path}/usage/snapshots`;
  const subject = decodeURIComponent(snapshot === "" ? path : path + api`/snapshots/${snapshot}`);
  const { data } = useQuery({
    queryKey: [list, { project }],
    queryFn: ({ signal }) => get<RememberedUsage[]>(list, { project }, signal),
    select: (found) => found.find((each) => decodeURIComponent(each.subject.split("?")[0] ?? "") === subject),
  });
  return data;
}
