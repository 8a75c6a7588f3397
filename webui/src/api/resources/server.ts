// The server itself, who one is for it, and the small lists that forms offer.
import type { UseQueryResult } from "@tanstack/react-query";
import type { Schemas } from "../client";
import { useResource } from "../query-client";

export type Session = Schemas["UiSession"];

export const useServer = (): UseQueryResult<Schemas["Server"]> => useResource<Schemas["Server"]>("/1.0");

/** Why the server can't keep the memory of processes; "" when it can. A server that says nothing of it is tried. */
export function useStatefulProblem(): string {
  const { data } = useServer();
  const told = data?.environment.holdfast_stateful;
  return told === undefined || told.available ? "" : told.reason;
}

export const useSession = (): UseQueryResult<Session> => useResource<Session>("/1.0/ui/session");

export function useProjects(): UseQueryResult<Schemas["Project"][]> {
  return useResource<Schemas["Project"][]>("/1.0/projects", { recursion: 1 });
}

export function usePools(): UseQueryResult<Schemas["Pool"][]> {
  return useResource<Schemas["Pool"][]>("/1.0/storage-pools", { recursion: 1 });
}

export function useProfiles(project: string): UseQueryResult<Schemas["Profile"][]> {
  return useResource<Schemas["Profile"][]>("/1.0/profiles", { recursion: 1, project });
}

export function useImages(project: string): UseQueryResult<Schemas["Image"][]> {
  return useResource<Schemas["Image"][]>("/1.0/images", { recursion: 1, project });
}
