// The server itself, who one is for it, and the small lists that forms offer.
import { useQuery, type UseQueryResult } from "@tanstack/react-query";
import { get, type Schemas } from "../client";
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

/** The names of the projects that one may see. What is in them takes longer: that is for their own page. */
export function useProjectNames(): UseQueryResult<string[]> {
  return useQuery({
    queryKey: ["/1.0/projects", {}],
    queryFn: ({ signal }) => get<string[]>("/1.0/projects", {}, signal),
    select: namesOf,
  });
}

const namesOf = (urls: string[]): string[] => urls.map((url) => decodeURIComponent(url.split("/").at(-1) ?? ""));

export function usePools(): UseQueryResult<Schemas["Pool"][]> {
  return useResource<Schemas["Pool"][]>("/1.0/storage-pools", { recursion: 1 });
}

export function useProfiles(project: string): UseQueryResult<Schemas["Profile"][]> {
  return useResource<Schemas["Profile"][]>("/1.0/profiles", { recursion: 1, project });
}

export function useImages(project: string): UseQueryResult<Schemas["Image"][]> {
  return useResource<Schemas["Image"][]>("/1.0/images", { recursion: 1, project });
}
