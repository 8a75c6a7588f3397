// Instances: lists, single ones, their state; and what can be done with them.
import type { UseQueryResult } from "@tanstack/react-query";
import { api, begin, beginOrChange, type Operation, type Schemas } from "../client";
import { useOptionalResource, useResource } from "../query-client";

export type Instance = Schemas["Instance"];
export type InstanceState = Schemas["InstanceState"];
export type Snapshot = Schemas["Snapshot"];
export type Undo = Schemas["Undo"];
export type PowerAction = "start" | "stop" | "restart" | "freeze" | "unfreeze";

/** All instances of a project, or of every project that one may see. */
export function useInstances(project: string | undefined): UseQueryResult<Instance[]> {
  const query = project === undefined ? { recursion: 1, "all-projects": true } : { recursion: 1, project };
  return useResource<Instance[]>("/1.0/instances", query);
}

export function useInstance(name: string, project: string): UseQueryResult<Instance> {
  return useResource<Instance>(api`/1.0/instances/${name}`, { project });
}

export function useInstanceState(name: string, project: string): UseQueryResult<InstanceState> {
  return useResource<InstanceState>(api`/1.0/instances/${name}/state`, { project });
}

export function useUndo(name: string, project: string): UseQueryResult<Undo | null> {
  return useOptionalResource<Undo>(api`/1.0/instances/${name}/undo`, { project });
}

export interface PowerOptions {
  force?: boolean;
  stateful?: boolean;
  /** Seconds; -1 for ever. */
  timeout?: number;
}

export function setPower(
  name: string,
  project: string,
  action: PowerAction,
  options: PowerOptions = {},
): Promise<Operation> {
  const body: Schemas["InstanceStatePut"] = { action, timeout: -1, ...options };
  return begin("PUT", api`/1.0/instances/${name}/state`, body, { project });
}

export function createInstance(body: Schemas["InstancesPost"], project: string): Promise<Operation> {
  return begin("POST", "/1.0/instances", body, { project });
}

export function renameInstance(name: string, project: string, newName: string): Promise<Operation> {
  const body: Schemas["InstancePost"] = { name: newName };
  return begin("POST", api`/1.0/instances/${name}`, body, { project });
}

export function deleteInstance(name: string, project: string): Promise<Operation> {
  return begin("DELETE", api`/1.0/instances/${name}`, undefined, { project });
}

export function patchInstance(
  name: string,
  project: string,
  body: Schemas["InstancePatch"],
): Promise<Operation | undefined> {
  return beginOrChange("PATCH", api`/1.0/instances/${name}`, body, { project });
}

export function putInstance(name: string, project: string, body: Schemas["InstancePut"]): Promise<Operation> {
  return begin("PUT", api`/1.0/instances/${name}`, body, { project });
}

export function undoRestore(name: string, project: string): Promise<Operation> {
  return begin("POST", api`/1.0/instances/${name}/undo`, undefined, { project });
}

export function forgetUndo(name: string, project: string): Promise<Operation | undefined> {
  return beginOrChange("DELETE", api`/1.0/instances/${name}/undo`, undefined, { project });
}
