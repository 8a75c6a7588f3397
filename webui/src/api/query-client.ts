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

/** What may show something else: a thing with all that is in it, and (if it is listed) the lists that it is in. */
export interface Touch {
  source: string;
  isListed: boolean;
}

/** The list of instances shows nothing of what is in each; it is long, so it isn't read anew for every snapshot. */
const INSTANCES = "/1.0/instances";

/** Tell whether what is cached of a path may be old. */
export function isTouched(path: string, { source, isListed }: Touch): boolean {
  if (path === source || path.startsWith(`${source}/`)) return true;
  if (!isListed || !source.startsWith(`${path}/`)) return false;
  return path !== INSTANCES || !source.slice(INSTANCES.length + 1).includes("/");
}

/** Paths that show things of others, by the beginning of what changed. */
const SEEN_ELSEWHERE: readonly (readonly [string, readonly string[]])[] = [
  ["/1.0/instances", ["/1.0/snapshot-schedules", "/1.0/storage-pools", "/1.0/profiles", "/1.0/projects", "/1.0/safety", "/1.0/warnings"]],
  ["/1.0/profiles", ["/1.0/instances", "/1.0/projects", "/1.0/snapshot-schedules", "/1.0/storage-pools"]],
  ["/1.0/storage-pools", ["/1.0/projects", "/1.0/snapshot-schedules", "/1.0/safety", "/1.0/warnings"]],
  ["/1.0/projects", ["/1.0/snapshot-schedules", "/1.0/ui/session"]],
  ["/1.0/images", ["/1.0/projects", "/1.0/storage-pools"]],
  ["/1.0/protections", ["/1.0/instances", "/1.0/safety", "/1.0/warnings"]],
  // They are raised for what failed, and taken back for what went well again.
  ["/1.0/warnings", ["/1.0/protections", "/1.0/snapshot-schedules"]],
];

/** Fetch anew what is shown of these, and forget what is cached of them; ends when all is read. */
export async function refresh(touches: readonly Touch[]): Promise<void> {
  const elsewhere = new Set<string>();
  for (const { source, isListed } of touches) {
    for (const [start, paths] of SEEN_ELSEWHERE) {
      if (isListed && source.startsWith(start)) paths.forEach((path) => elsewhere.add(path));
    }
  }
  const all = [...touches, ...[...elsewhere].map((source) => ({ source, isListed: false }))];
  await queryClient.invalidateQueries({
    predicate: ({ queryKey: [path] }) => typeof path === "string" && all.some((touch) => isTouched(path, touch)),
  });
}
