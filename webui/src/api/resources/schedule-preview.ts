// What a schedule, a pattern and a rule to keep would do, before they are saved.
import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { send, type Schemas } from "../client";

export type SchedulePreview = Schemas["SchedulePreview"];

export interface PreviewQuery {
  instance?: string;
  pool?: string;
  volume?: string;
  schedule: string;
  pattern: string;
  keep: string;
  expiry: string;
}

export function useSchedulePreview(
  project: string,
  wanted: PreviewQuery,
  enabled: boolean,
): UseQueryResult<SchedulePreview> {
  return useQuery({
    queryKey: ["/1.0/schedule-preview", { project, ...wanted }],
    queryFn: async ({ signal }) => {
      const answer = await send("POST", "/1.0/schedule-preview", {
        query: { project },
        json: { ...wanted, count: 5 },
        signal,
      });
      return ((await answer.json()) as { metadata: SchedulePreview }).metadata;
    },
    placeholderData: keepPreviousData,
    staleTime: 30_000,
    enabled,
  });
}
