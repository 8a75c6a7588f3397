// Profiles: settings that instances share.
import type { UseQueryResult } from "@tanstack/react-query";
import { api, change, type Schemas } from "../client";
import { useResource } from "../query-client";

export type Profile = Schemas["Profile"];

export function useProfile(name: string, project: string): UseQueryResult<Profile> {
  return useResource<Profile>(api`/1.0/profiles/${name}`, { project });
}

export function createProfile(body: Schemas["ProfilesPost"], project: string): Promise<void> {
  return change("POST", "/1.0/profiles", body, { project });
}

export function putProfile(name: string, project: string, body: Schemas["ProfilePut"]): Promise<void> {
  return change("PUT", api`/1.0/profiles/${name}`, body, { project });
}

export function renameProfile(name: string, project: string, newName: string): Promise<void> {
  const body: Schemas["ProfilePost"] = { name: newName };
  return change("POST", api`/1.0/profiles/${name}`, body, { project });
}

export function deleteProfile(name: string, project: string): Promise<void> {
  return change("DELETE", api`/1.0/profiles/${name}`, undefined, { project });
}
