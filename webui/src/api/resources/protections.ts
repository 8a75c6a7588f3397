// Protections: instances of other servers that this one keeps copies of.
import type { UseQueryResult } from "@tanstack/react-query";
import { api, begin, change, type Operation, type Schemas } from "../client";
import { useResource } from "../query-client";

export type Protection = Schemas["Protection"];
export type ProtectedCopy = Schemas["ProtectedCopy"];

export const PROTECTIONS = "/1.0/protections";

/** Only those that may do everything see protections. */
export function useProtections(enabled = true): UseQueryResult<Protection[]> {
  return useResource<Protection[]>(PROTECTIONS, { recursion: 1 }, { enabled });
}

export function createProtection(body: Schemas["ProtectionsPost"]): Promise<void> {
  return change("POST", PROTECTIONS, body);
}

export function changeProtection(name: string, body: Schemas["ProtectionPatch"]): Promise<void> {
  return change("PATCH", api`/1.0/protections/${name}`, body);
}

/** Pull now. */
export function pullNow(name: string): Promise<Operation> {
  return begin("POST", api`/1.0/protections/${name}`, {});
}

export function deleteProtection(name: string): Promise<void> {
  return change("DELETE", api`/1.0/protections/${name}`);
}
