// Projects: rooms with instances of their own, and with images, profiles and volumes of their own where they say so.
import type { UseQueryResult } from "@tanstack/react-query";
import { api, begin, change, type Operation, type Schemas } from "../client";
import { useResource } from "../query-client";

export type Project = Schemas["Project"];

/** All that one may see, with what is in them. */
export function useProjects(): UseQueryResult<Project[]> {
  return useResource<Project[]>("/1.0/projects", { recursion: 1 });
}

export function useProjectNamed(name: string): UseQueryResult<Project> {
  return useResource<Project>(api`/1.0/projects/${name}`, {});
}

export function createProject(body: Schemas["ProjectsPost"]): Promise<void> {
  return change("POST", "/1.0/projects", body);
}

export function putProject(name: string, body: Schemas["ProjectPut"]): Promise<void> {
  return change("PUT", api`/1.0/projects/${name}`, body);
}

export function renameProject(name: string, newName: string): Promise<Operation> {
  const body: Schemas["ProjectPost"] = { name: newName };
  return begin("POST", api`/1.0/projects/${name}`, body);
}

export function deleteProject(name: string): Promise<void> {
  return change("DELETE", api`/1.0/projects/${name}`);
}
