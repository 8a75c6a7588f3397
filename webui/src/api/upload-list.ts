// The uploads that are under way in this page, so that one that was left can be found again and stopped.
import { useSyncExternalStore } from "react";
import type { UploadProgress } from "./uploads";

export interface ActiveUpload {
  id: number;
  /** The name of the file. */
  name: string;
  progress: UploadProgress;
  stop: () => void;
}

let active: readonly ActiveUpload[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function show(uploads: readonly ActiveUpload[]): void {
  active = uploads;
  listeners.forEach((listener) => listener());
}

/** Whoever leaves the page now would stop the upload: the browser asks first. */
function askBeforeLeaving(event: BeforeUnloadEvent): void {
  if (active.length > 0) event.preventDefault();
}

window.addEventListener("beforeunload", askBeforeLeaving);

export interface UploadEntry {
  update: (progress: UploadProgress) => void;
  remove: () => void;
}

export function addUpload(name: string, progress: UploadProgress, stop: () => void): UploadEntry {
  lastId += 1;
  const id = lastId;
  show([...active, { id, name, progress, stop }]);
  return {
    update: (now) => show(active.map((each) => (each.id === id ? { ...each, progress: now } : each))),
    remove: () => show(active.filter((each) => each.id !== id)),
  };
}

export function useUploads(): readonly ActiveUpload[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => active,
  );
}
