// Uploads of export files in pieces. A connection that breaks costs a piece at most; a page that was closed goes on
// when the same file is chosen again.
import { texts } from "../text";
import { ApiError, api, get, send, type Operation, type Schemas } from "./client";
import { addUpload } from "./upload-list";

type Upload = Schemas["Upload"];

export interface UploadProgress {
  sentBytes: number;
  totalBytes: number;
  /** Where it went on, when an earlier upload of this file was found. */
  resumedAt: number | undefined;
  isWaiting: boolean;
}

/** Small enough that a broken connection costs little, large enough that the pauses between pieces don't count. */
const PIECE_BYTES = 8 * 1024 * 1024;
const FIRST_RETRY_MS = 500;
const LONGEST_RETRY_MS = 10_000;
const STORED = "holdfast-upload:";

function keyOf(file: File, project: string): string {
  return `${STORED}${project}:${file.name}:${file.size}:${file.lastModified}`;
}

/** Find the upload that an earlier try began, or begin one. */
async function findOrBegin(file: File, project: string): Promise<{ upload: Upload; isResumed: boolean }> {
  const key = keyOf(file, project);
  const id = window.localStorage.getItem(key);
  if (id !== null) {
    try {
      const upload = await get<Upload>(api`/1.0/uploads/${id}`, { project });
      if (upload.size === file.size) return { upload, isResumed: upload.offset > 0 };
    } catch (error) {
      if (!(error instanceof ApiError)) throw error;
    }
    window.localStorage.removeItem(key);
  }
  const answer = await send("POST", "/1.0/uploads", { json: { size: file.size }, query: { project } });
  const { metadata } = (await answer.json()) as { metadata: Upload };
  window.localStorage.setItem(key, metadata.id);
  return { upload: metadata, isResumed: false };
}

function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = window.setTimeout(resolve, milliseconds);
    signal.addEventListener("abort", () => {
      window.clearTimeout(timer);
      reject(signal.reason);
    });
  });
}

async function append(id: string, project: string, file: File, offset: number, signal: AbortSignal): Promise<number> {
  const answer = await send("PATCH", api`/1.0/uploads/${id}`, {
    body: file.slice(offset, offset + PIECE_BYTES),
    headers: { "Content-Type": "application/octet-stream", "X-Holdfast-offset": String(offset) },
    query: { project },
    signal,
  });
  const { metadata } = (await answer.json()) as { metadata: Upload };
  return metadata.offset;
}

/** 409 says that the upload is elsewhere; 4xx otherwise won't get better by trying again. */
const isFinal = (error: unknown): boolean =>
  error instanceof ApiError && error.status >= 400 && error.status < 500 && error.status !== 409 && error.status !== 408;

/** Send the whole file; returns the upload's id. Tries again for ever while the server can't be reached. */
export async function upload(
  file: File,
  project: string,
  signal: AbortSignal,
  tell: (progress: UploadProgress) => void,
): Promise<string> {
  const stopper = new AbortController();
  signal.addEventListener("abort", () => stopper.abort(signal.reason));
  const nothing = { sentBytes: 0, totalBytes: file.size, resumedAt: undefined, isWaiting: false };
  const entry = addUpload(file.name, nothing, () => stopper.abort(new Error(texts.upload.stopped)));
  try {
    return await sendAll(file, project, stopper.signal, (progress) => {
      entry.update(progress);
      tell(progress);
    });
  } finally {
    entry.remove();
  }
}

async function sendAll(
  file: File,
  project: string,
  signal: AbortSignal,
  tell: (progress: UploadProgress) => void,
): Promise<string> {
  const { upload: begun, isResumed } = await findOrBegin(file, project);
  const resumedAt = isResumed ? begun.offset : undefined;
  let offset = begun.offset;
  let retryMs = FIRST_RETRY_MS;
  const report = (isWaiting: boolean) => tell({ sentBytes: offset, totalBytes: file.size, resumedAt, isWaiting });
  report(false);
  while (offset < file.size) {
    signal.throwIfAborted();
    try {
      offset = await append(begun.id, project, file, offset, signal);
      retryMs = FIRST_RETRY_MS;
    } catch (error) {
      if (signal.aborted || isFinal(error)) throw error;
      report(true);
      await sleep(retryMs, signal);
      retryMs = Math.min(retryMs * 2, LONGEST_RETRY_MS);
      offset = await whereItIs(begun.id, project, offset);
    }
    report(false);
  }
  window.localStorage.removeItem(keyOf(file, project));
  return begun.id;
}

async function whereItIs(id: string, project: string, before: number): Promise<number> {
  try {
    return (await get<Upload>(api`/1.0/uploads/${id}`, { project })).offset;
  } catch (error) {
    if (isFinal(error)) throw error;
    return before;
  }
}

export interface ImportOptions {
  name: string;
  pool: string;
  isReplacing: boolean;
}

/** Make an instance of a whole upload. */
export async function importInstance(id: string, project: string, options: ImportOptions): Promise<Operation> {
  const headers: Record<string, string> = { "Content-Type": "application/octet-stream", "X-Holdfast-upload": id };
  if (options.name !== "") headers["X-LXD-name"] = options.name;
  if (options.pool !== "") headers["X-LXD-pool"] = options.pool;
  if (options.isReplacing) headers["X-Holdfast-replace"] = "true";
  const answer = await send("POST", "/1.0/instances", { headers, query: { project } });
  return ((await answer.json()) as { metadata: Operation }).metadata;
}

/** Make a custom volume of a whole upload; "" is the name in the file. */
export async function importVolume(id: string, project: string, pool: string, name: string): Promise<Operation> {
  const headers: Record<string, string> = { "Content-Type": "application/octet-stream", "X-Holdfast-upload": id };
  if (name !== "") headers["X-LXD-name"] = name;
  const path = api`/1.0/storage-pools/${pool}/volumes/custom`;
  const answer = await send("POST", path, { headers, query: { project } });
  return ((await answer.json()) as { metadata: Operation }).metadata;
}
