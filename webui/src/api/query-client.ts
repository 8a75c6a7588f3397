// The cache of answers. Keys are [path, query]; the events stream says which paths are no longer current.
import { QueryClient, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { ApiError, get, type Query } from "./client";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: Infinity,
      gcTime: 5 * 60_000,
      refetchOnWindowFocus: false,
      retry: (failures, error) => !(error instanceof ApiError) && failures < 3,
    },
  },
});

export interface ResourceOptions {
  enabled?: boolean;
  /** What stands for an answer of 404: something that may be absent. */
  orAbsent?: boolean;
}

/** Read a resource and keep it current: the hook behind all typed ones in `resources/`. */
export function useResource<T>(path: string, query: Query = {}, options: ResourceOptions = {}): UseQueryResult<T> {
  return useQuery<T>({
    queryKey: [path, query],
    queryFn: ({ signal }) => get<T>(path, query, signal),
    enabled: options.enabled ?? true,
  });
}

/** As `useResource`, but null when there is none. */
export function useOptionalResource<T>(path: string, query: Query = {}, enabled = true): UseQueryResult<T | null> {
  return useQuery<T | null>({
    queryKey: [path, query],
    queryFn: async ({ signal }) => {
      try {
        return await get<T>(path, query, signal);
      } catch (error) {
        if (error instanceof ApiError && error.status === 404) return null;
        throw error;
      }
    },
    enabled,
  });
}

/** Which cached paths may show something else after `source` changed: itself, what is above and what is below. */
export function isTouched(path: string, source: string): boolean {
  return path === source || source.startsWith(`${path}/`) || path.startsWith(`${source}/`);
}

/** Paths that show things of others, by the beginning of what changed. */
const SEEN_ELSEWHERE: readonly (readonly [string, readonly string[]])[] = [
  ["/1.0/instances", ["/1.0/snapshot-schedules", "/1.0/storage-pools", "/1.0/profiles", "/1.0/safety", "/1.0/warnings"]],
  ["/1.0/profiles", ["/1.0/instances", "/1.0/snapshot-schedules", "/1.0/storage-pools"]],
  ["/1.0/storage-pools", ["/1.0/snapshot-schedules", "/1.0/safety", "/1.0/warnings"]],
  ["/1.0/projects", ["/1.0/snapshot-schedules", "/1.0/ui/session"]],
  ["/1.0/images", ["/1.0/storage-pools"]],
  ["/1.0/protections", ["/1.0/instances", "/1.0/safety", "/1.0/warnings"]],
];

/** Fetch anew what is shown of these paths, and forget what is cached of them. */
export function refresh(sources: Iterable<string>): void {
  const touched = new Set<string>();
  for (const source of sources) {
    touched.add(source);
    for (const [start, elsewhere] of SEEN_ELSEWHERE) {
      if (source.startsWith(start)) elsewhere.forEach((path) => touched.add(path));
    }
  }
  const all = [...touched];
  void queryClient.invalidateQueries({
    predicate: ({ queryKey: [path] }) => typeof path === "string" && all.some((source) => isTouched(path, source)),
  });
}
