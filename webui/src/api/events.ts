// The stream of events: keeps the cache current, and tells of operations. Connects again by itself, and then reads
// everything anew, as nobody knows what happened meanwhile.
import { useSyncExternalStore } from "react";
import type { Operation } from "./client";
import { forgetOperations, noteOperation } from "./operations";
import { queryClient, refresh } from "./query-client";

export type Connection = "connecting" | "live" | "lost";

interface Lifecycle {
  action: string;
  source: string;
}

type ServerEvent =
  | { type: "lifecycle"; project?: string; metadata: Lifecycle }
  | { type: "operation"; project?: string; metadata: Operation };

/** Several changes in a row are read once: a list of a thousand is not fetched for each of them. */
const GATHER_MS = 250;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;

let connection: Connection = "connecting";
let retryMs = FIRST_RETRY_MS;
/** What is to be read anew, and whether the lists are, too. */
let touched = new Map<string, boolean>();
let isGathering = false;
const listeners = new Set<() => void>();

function setConnection(now: Connection): void {
  connection = now;
  listeners.forEach((listener) => listener());
}

function touch(source: string, isListed: boolean): void {
  const path = source.split("?")[0] ?? source;
  touched.set(path, isListed || (touched.get(path) ?? false));
  if (!isGathering) void gather();
}

/** Read in turns: the next one waits until all of the last one is read, or under many events none would ever end. */
async function gather(): Promise<void> {
  isGathering = true;
  while (touched.size > 0) {
    await new Promise((resolve) => window.setTimeout(resolve, GATHER_MS));
    const now = [...touched].map(([source, isListed]) => ({ source, isListed }));
    touched = new Map();
    await refresh(now);
  }
  isGathering = false;
}

function hear(event: ServerEvent): void {
  if (event.type === "lifecycle") {
    // That somebody read something changes nothing; reading it anew for that would never end.
    if (!event.metadata.action.endsWith("-retrieved")) touch(event.metadata.source, true);
    return;
  }
  noteOperation(event.metadata, event.project ?? "default");
  if (event.metadata.status_code < 200) return;
  for (const [kind, urls] of Object.entries(event.metadata.resources ?? {})) {
    // The list of protections shows how the last run of each ended.
    urls.forEach((url) => touch(url, kind === "protections"));
  }
}

function open(): void {
  const scheme = window.location.protocol === "https:" ? "wss" : "ws";
  const address = `${scheme}://${window.location.host}/1.0/events?type=lifecycle,operation&all-projects=true`;
  const socket = new WebSocket(address);
  socket.onopen = () => {
    if (connection === "lost") {
      forgetOperations();
      void queryClient.invalidateQueries();
    }
    retryMs = FIRST_RETRY_MS;
    setConnection("live");
  };
  socket.onmessage = (message: MessageEvent<string>) => hear(JSON.parse(message.data) as ServerEvent);
  socket.onclose = () => {
    setConnection("lost");
    // Whoever was signed out loses the stream: then the page must say so.
    void queryClient.invalidateQueries({ queryKey: ["/1.0/ui/session"] });
    window.setTimeout(open, retryMs);
    retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
  };
}

let isStarted = false;

/** Connect, once, and stay connected. */
export function startEvents(): void {
  if (isStarted) return;
  isStarted = true;
  open();
}

/** Whether what is shown is live. */
export function useConnection(): Connection {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => connection,
  );
}
