// Operations: long work on the server, followed by events. Those that have ended stay listed as long as the page is
// open, as the server forgets them after some seconds.
import { useSyncExternalStore } from "react";
import { texts } from "../text";
import { ApiError, api, change, get, type Operation } from "./client";

export interface KnownOperation extends Operation {
  project: string;
}

/** The operation ended badly; `message` is the server's text. */
export class OperationError extends Error {
  constructor(readonly operation: Operation) {
    super(operation.err || `${operation.description}: ${operation.status}`);
    this.name = "OperationError";
  }
}

const MOST_KEPT = 200;
const known = new Map<string, KnownOperation>();
const listeners = new Set<() => void>();
const waiting = new Map<string, Set<(operation: Operation) => void>>();
let shown: readonly KnownOperation[] = [];

/** Tokens for new clients are operations, too, which wait until somebody uses them. */
export const TOKEN_CLASS = "token";

export const isRunning = (operation: Operation): boolean => operation.status_code < 200;
/** It restored or replaced something whose former state should have been kept. */
export const isUndoLost = (operation: Operation): boolean => operation.metadata?.["undo_kept"] === false;
export const hasFailed = (operation: Operation): boolean => operation.status_code >= 400;

function tell(): void {
  shown = [...known.values()].sort((a, b) => b.created_at.localeCompare(a.created_at));
  listeners.forEach((listener) => listener());
}

/** Take in what an event or an answer says of an operation. */
export function noteOperation(operation: Operation, project: string): void {
  if (operation.class === TOKEN_CLASS) return;
  const before = known.get(operation.id);
  if (before !== undefined && !isRunning(before) && isRunning(operation)) return;
  known.set(operation.id, { ...operation, project });
  if (known.size > MOST_KEPT) dropOldestEnded();
  tell();
  if (isRunning(operation)) return;
  waiting.get(operation.id)?.forEach((wake) => wake(operation));
  waiting.delete(operation.id);
}

function dropOldestEnded(): void {
  for (const [id, operation] of known) {
    if (isRunning(operation)) continue;
    known.delete(id);
    return;
  }
}

/** Read the list anew: what was running before the connection was lost may have ended unseen. */
export function forgetOperations(): void {
  void loadOperations();
}

/** Read the running operations; by events alone those that began before the page would be missing. */
export async function loadOperations(): Promise<void> {
  const before = [...known.values()].filter(isRunning);
  const byStatus = await get<Record<string, Operation[]>>("/1.0/operations", { recursion: 1, "all-projects": true });
  const running = Object.values(byStatus).flat();
  const ids = new Set(running.map((operation) => operation.id));
  for (const operation of running) noteOperation(operation, projectOf(operation));
  for (const operation of before) {
    const now = known.get(operation.id);
    if (ids.has(operation.id) || now === undefined || !isRunning(now)) continue;
    noteOperation({ ...now, status: "Failure", status_code: 400, err: texts.operation.lost }, now.project);
  }
}

function projectOf(operation: Operation): string {
  const first = Object.values(operation.resources ?? {}).flat()[0] ?? "";
  return new URLSearchParams(first.split("?")[1] ?? "").get("project") ?? "default";
}

/** Wait until the operation has ended; raises `OperationError` when it failed. */
export async function finished(operation: Operation): Promise<Operation> {
  const end = await ended(operation);
  if (hasFailed(end)) throw new OperationError(end);
  return end;
}

async function ended(operation: Operation): Promise<Operation> {
  const seen = known.get(operation.id);
  if (seen !== undefined && !isRunning(seen)) return seen;
  if (!isRunning(operation)) return operation;
  noteOperation(operation, projectOf(operation));
  return new Promise((resolve) => {
    const wakers = waiting.get(operation.id) ?? new Set();
    wakers.add(resolve);
    waiting.set(operation.id, wakers);
  });
}

/** Ask the server to stop it; it says whether that is possible. */
export async function cancel(operation: Operation): Promise<void> {
  await change("DELETE", api`/1.0/operations/${operation.id}`).catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 404)) throw error;
  });
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** All operations that the page knows of, the newest first. */
export function useOperations(): readonly KnownOperation[] {
  return useSyncExternalStore(subscribe, () => shown);
}

/** One operation as it stands now. */
export function useOperation(id: string | undefined): KnownOperation | undefined {
  return useSyncExternalStore(subscribe, () => (id === undefined ? undefined : known.get(id)));
}

export interface Progress {
  /** What is being done, in the server's words. */
  stage: string;
  /** 0 to 100, undefined when the server doesn't know how much there is. */
  percent: number | undefined;
}

/** Read the progress out of an operation's metadata: LXD's `…_progress` texts and its `progress` object. */
export function progressOf(operation: Operation): Progress | undefined {
  const metadata: Record<string, unknown> = operation.metadata ?? {};
  const text = Object.entries(metadata).find(([key, value]) => key.endsWith("_progress") && typeof value === "string");
  const detail = metadata["progress"] as { percent?: string; stage?: string } | undefined;
  if (text === undefined && detail === undefined) return undefined;
  const stage = String(text?.[1] ?? detail?.stage ?? "");
  const percent = /(\d+)%/.exec(stage)?.[1] ?? detail?.percent;
  return { stage, percent: percent === undefined || percent === "" ? undefined : Number(percent) };
}
