// What changed between two points in time of an instance or a volume.
import { useInfiniteQuery, type UseInfiniteQueryResult, type InfiniteData, type UseQueryResult } from "@tanstack/react-query";
import { get, type Schemas } from "../client";
import { useResource } from "../query-client";

export type ChangedPath = Schemas["ChangedEntry"];
export type Changes = Schemas["Changes"];

export interface ChangesQuery {
  /** A snapshot. */
  from: string;
  /** A snapshot; "" is now. */
  to: string;
  path?: string;
  limit?: number;
}

/** The counts, with the first few entries; `subject` is the API's path of an instance or a volume. */
export function useChanges(subject: string, project: string, query: ChangesQuery): UseQueryResult<Changes> {
  return useResource<Changes>(`${subject}/changes`, { project, ...query });
}

/** All entries, page by page. */
export function useChangePages(
  subject: string,
  project: string,
  query: ChangesQuery,
  enabled: boolean,
): UseInfiniteQueryResult<InfiniteData<Changes>> {
  const path = `${subject}/changes`;
  return useInfiniteQuery({
    queryKey: [path, { project, ...query }, "pages"],
    queryFn: ({ pageParam, signal }) => get<Changes>(path, { project, ...query, offset: pageParam }, signal),
    initialPageParam: 0,
    getNextPageParam: (last: Changes) => last.next_offset,
    enabled,
  });
}
