// What this server keeps copies of, for other servers.
import type { UseQueryResult } from "@tanstack/react-query";
import { api, begin, change, type Operation, type Schemas } from "../client";
import { useResource } from "../query-client";

export type Protection = Schemas["Protection"];
export type ProtectedCopy = Schemas["ProtectedCopy"];

/** Only administrators may read them. */
export function useProtections(enabled: boolean): UseQueryResult<Protection[]> {
  return useResource<Protection[]>("/1.0/protections", { recursion: 1 }, { enabled });
}

export function pullNow(name: string): Promise<Operation> {
  return begin("POST", api`/1.0/protections/${name}`, {});
}

export function changeProtection(name: string, body: Schemas["ProtectionPatch"]): Promise<void> {
  return change("PATCH", api`/1.0/protections/${name}`, body);
}
