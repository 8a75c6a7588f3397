// Where the pages about an instance or a custom volume are: its snapshots, what changed since one, the files in one.
import { instanceAddress, volumeAddress } from "./project";

/** An instance, or (in a pool) a custom volume. */
export interface Place {
  name: string;
  project: string;
  pool?: string;
}

export function placeAddress({ pool, name, project }: Place, tab = ""): string {
  return pool === undefined ? instanceAddress(name, project, tab) : volumeAddress(pool, name, project, tab);
}

function asking(address: string, key: string, value: string): string {
  return `${address}${address.includes("?") ? "&" : "?"}${key}=${encodeURIComponent(value)}`;
}

/** What changed since this snapshot. */
export function compareAddress(place: Place, from: string): string {
  return asking(placeAddress(place, "snapshots/compare"), "from", from);
}

/** The files of a snapshot, or without one as they are now, in the directory `path`. */
export function filesAddress(place: Place, snapshot: string | undefined, path = "/"): string {
  const point = snapshot === undefined ? "" : `/${encodeURIComponent(snapshot)}`;
  const address = placeAddress(place, `snapshots/files${point}`);
  return path === "/" ? address : asking(address, "path", path);
}

/** The directory that a path is in. */
export const parentOf = (path: string): string => path.slice(0, path.lastIndexOf("/")) || "/";
