// Storage pools: how full they are, and changes.
import type { UseQueryResult } from "@tanstack/react-query";
import { api, beginOrChange, change, type Operation, type Schemas } from "../client";
import { useResource } from "../query-client";

export type Pool = Schemas["Pool"];
export type PoolResources = Schemas["PoolResources"];

export function usePool(name: string): UseQueryResult<Pool> {
  return useResource<Pool>(api`/1.0/storage-pools/${name}`);
}

export function usePoolResources(name: string): UseQueryResult<PoolResources> {
  return useResource<PoolResources>(api`/1.0/storage-pools/${name}/resources`);
}

export function createPool(body: Schemas["PoolsPost"]): Promise<Operation | undefined> {
  return beginOrChange("POST", "/1.0/storage-pools", body);
}

export function putPool(name: string, body: Schemas["PoolPut"]): Promise<void> {
  return change("PUT", api`/1.0/storage-pools/${name}`, body);
}

/** A pool whose disk is lost goes by force alone, with the records of what was in it. */
export function deletePool(name: string, force = false): Promise<Operation | undefined> {
  return beginOrChange("DELETE", api`/1.0/storage-pools/${name}`, undefined, force ? { force: 1 } : {});
}
