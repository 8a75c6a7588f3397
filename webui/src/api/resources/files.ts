// Files of instances and of their snapshots.
import type { UseQueryResult } from "@tanstack/react-query";
import { useQuery } from "@tanstack/react-query";
import { api, get, send, withQuery } from "../client";

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

/** Where files are: an instance as it is now, or one of its snapshots. */
export interface FilePlace {
  instance: string;
  project: string;
  snapshot?: string;
}

function addressOf({ instance, snapshot }: FilePlace): string {
  return snapshot === undefined
    ? api`/1.0/instances/${instance}/files`
    : api`/1.0/instances/${instance}/snapshots/${snapshot}/files`;
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
export function treeAddress(instance: string, snapshot: string, project: string, path: string): string {
  return withQuery(api`/1.0/instances/${instance}/snapshots/${snapshot}/tree`, { path, project });
}

/** Put one file of a snapshot back into the instance, with its owner and mode; what is there is overwritten. */
export async function putBack(place: Required<FilePlace>, path: string): Promise<void> {
  const query = { path, project: place.project };
  const answer = await send("GET", addressOf(place), { query });
  const facts = factsOf(path, answer);
  const body = await answer.blob();
  await send("POST", api`/1.0/instances/${place.instance}/files`, {
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
