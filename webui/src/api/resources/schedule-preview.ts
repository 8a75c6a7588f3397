// What a schedule, a pattern and a rule to keep would do, before they are saved.
import { keepPreviousData, useQuery, type UseQueryResult } from "@tanstack/react-query";
import { send } from "../client";
import type { PlannedSnapshot } from "./snapshots";

export interface SchedulePreview {
  /** The next times, the nearest first. */
  next: string[];
  /** How the next snapshot would be called. */
  name: string;
  expires_at: string | null;
  kept: PlannedSnapshot[];
  /** What is wrong with each value, "" for nothing. */
  errors: { schedule: string; pattern: string; keep: string; expiry: string };
}

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
