// Images and their aliases.
import { api, begin, change, send, withQuery, type Operation, type Schemas } from "../client";

export type Image = Schemas["Image"];

/** Make an image: of an instance, of a snapshot, or by a recipe. */
export function makeImage(project: string, body: Schemas["ImagesPost"]): Promise<Operation> {
  return begin("POST", "/1.0/images", body, { project });
}

/** Send a file, or the two files of a split image. */
export async function importImage(
  project: string,
  metadata: File,
  rootfs: File | undefined,
  isPublic: boolean,
): Promise<Operation> {
  let body: BodyInit = metadata;
  const headers: Record<string, string> = { "X-LXD-public": isPublic ? "1" : "0", "X-LXD-filename": metadata.name };
  if (rootfs === undefined) headers["Content-Type"] = "application/octet-stream";
  else {
    const form = new FormData();
    form.append("metadata", metadata, metadata.name);
    form.append("rootfs", rootfs, rootfs.name);
    body = form;
  }
  const answer = await send("POST", "/1.0/images", { body, headers, query: { project } });
  return ((await answer.json()) as { metadata: Operation }).metadata;
}

export function patchImage(fingerprint: string, project: string, body: Schemas["ImagePatch"]): Promise<void> {
  return change("PATCH", api`/1.0/images/${fingerprint}`, body, { project });
}

export function deleteImage(fingerprint: string, project: string): Promise<Operation> {
  return begin("DELETE", api`/1.0/images/${fingerprint}`, undefined, { project });
}

export function addAlias(name: string, target: string, project: string): Promise<void> {
  const body: Schemas["ImageAliasesPost"] = { name, target };
  return change("POST", "/1.0/images/aliases", body, { project });
}

export function removeAlias(name: string, project: string): Promise<void> {
  return change("DELETE", api`/1.0/images/aliases/${name}`, undefined, { project });
}

/** Where a browser downloads the file. */
export function imageAddress(fingerprint: string, project: string): string {
  return withQuery(api`/1.0/images/${fingerprint}/export`, { project });
}
