// Files of instances, custom volumes and their snapshots.
import type { UseQueryResult } from "@tanstack/react-query";
import { useQuery } from "@tanstack/react-query";
import { api, get, send, withQuery } from "../client";
import { volumePath } from "./volumes";

export type FileType = "file" | "directory" | "symlink" | "other";

export interface FileEntry {
  name: string;
  type: FileType;
  size: number;
  /** Octal, as "0644". */
  mode: string;
  uid: number;
  gid: number;
  modified: string;
  /** Of a symlink. */
  target: string;
}

/** Where files are: an instance or (in a pool) a custom volume as it is now, or a snapshot of it. */
export interface FilePlace {
  name: string;
  project: string;
  pool?: string;
  snapshot?: string;
}

/** A place in a snapshot. */
export type SnapshotPlace = FilePlace & { snapshot: string };

export const isOfSnapshot = (place: FilePlace): place is SnapshotPlace => place.snapshot !== undefined;

function addressOf({ name, pool, snapshot }: FilePlace, what = "files"): string {
  const owner = pool === undefined ? api`/1.0/instances/${name}` : volumePath({ pool, name });
  return snapshot === undefined ? `${owner}/${what}` : `${owner}${api`/snapshots/${snapshot}`}/${what}`;
}

/** A server that doesn't know the longer answer gives names alone: the rest is then asked file by file. */
export function useDirectory(place: FilePlace, path: string): UseQueryResult<(FileEntry | string)[]> {
  const address = addressOf(place);
  const query = { path, recursion: 1, project: place.project };
  return useQuery({
    queryKey: [address, query],
    queryFn: async ({ signal }) => (await get<(FileEntry | string)[] | null>(address, query, signal)) ?? [],
    // Of files no event tells: what was read is read again when the page is opened again.
    staleTime: place.snapshot === undefined ? 0 : Infinity,
  });
}

export function useFileFacts(place: FilePlace, path: string, isNeeded: boolean): UseQueryResult<FileEntry> {
  const address = addressOf(place);
  return useQuery({
    queryKey: [address, { path, project: place.project }, "facts"],
    queryFn: async ({ signal }) => factsOf(path, await send("HEAD", address, { query: { path, project: place.project }, signal })),
    enabled: isNeeded,
  });
}

function factsOf(path: string, answer: Response): FileEntry {
  const header = (name: string) => answer.headers.get(`X-LXD-${name}`) ?? "";
  const type = header("type");
  return {
    name: path.split("/").at(-1) ?? "",
    type: type === "file" || type === "directory" || type === "symlink" ? type : "other",
    size: Number(answer.headers.get("Content-Length") ?? -1),
    mode: header("mode"),
    uid: Number(header("uid")),
    gid: Number(header("gid")),
    modified: header("modified").replace(/^(\S+) (\S+) \+0000 UTC$/, "$1T$2Z"),
    target: "",
  };
}

/** Where a browser downloads the file. */
export function fileAddress(place: FilePlace, path: string): string {
  return withQuery(addressOf(place), { path, project: place.project, download: 1 });
}

/** Where a browser downloads a directory of a snapshot, as a tar. */
export function treeAddress(place: SnapshotPlace, path: string): string {
  return withQuery(addressOf(place, "tree"), { path, project: place.project });
}

/** Put one file of a snapshot back where it was, with its owner and mode; what is there is overwritten. */
export async function putBack({ snapshot, ...now }: SnapshotPlace, path: string): Promise<void> {
  const query = { path, project: now.project };
  const answer = await send("GET", addressOf({ ...now, snapshot }), { query });
  const facts = factsOf(path, answer);
  const body = await answer.blob();
  await send("POST", addressOf(now), {
    query,
    body,
    headers: {
      "Content-Type": "application/octet-stream",
      "X-LXD-type": "file",
      "X-LXD-write": "overwrite",
      "X-LXD-uid": String(facts.uid),
      "X-LXD-gid": String(facts.gid),
      "X-LXD-mode": facts.mode,
    },
  });
}
