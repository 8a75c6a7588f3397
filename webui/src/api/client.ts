// Requests to the server: paths, envelopes, errors. Nothing else in the page calls `fetch`, but uploads and downloads.
import type { components } from "./schema";

export type Schemas = components["schemas"];
export type Operation = Schemas["Operation"];
export type Query = Record<string, string | number | boolean | undefined>;

/** An answer that says no: `message` is the server's own text. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = "ApiError";
  }
}

/** The server can't be reached: it restarts, or the network is gone. */
export class UnreachableError extends Error {
  constructor(cause: unknown) {
    super("The server can't be reached.", { cause });
    this.name = "UnreachableError";
  }
}

/** Make a path of literal text and names, each name escaped: api`/1.0/instances/${name}`. */
export function api(literals: TemplateStringsArray, ...names: string[]): string {
  return literals.reduce((path, literal, index) => path + encodeURIComponent(names[index - 1] ?? "") + literal);
}

/** Return the path with its query; what is undefined is left out. */
export function withQuery(path: string, query: Query = {}): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) search.set(name, String(value));
  }
  const text = search.toString();
  return text === "" ? path : `${path}?${text}`;
}

export interface RequestOptions {
  query?: Query | undefined;
  json?: unknown;
  body?: BodyInit;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** Send a request and return the raw answer; raise what the server says when it isn't a good one. */
export async function send(method: string, path: string, options: RequestOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { ...options.headers };
  let body = options.body;
  if (options.json !== undefined) {
    headers["Content-Type"] = "application/json";
    body = JSON.stringify(options.json);
  }
  const request: RequestInit = { method, headers, credentials: "same-origin" };
  if (body !== undefined) request.body = body;
  if (options.signal !== undefined) request.signal = options.signal;
  const answer = await fetch(withQuery(path, options.query), request).catch((error: unknown) => {
    if (options.signal?.aborted === true) throw error;
    throw new UnreachableError(error);
  });
  if (!answer.ok) throw await errorOf(answer);
  return answer;
}

async function errorOf(answer: Response): Promise<ApiError> {
  const envelope = (await answer.json().catch(() => null)) as { error?: string } | null;
  return new ApiError(answer.status, envelope?.error || `${answer.status} ${answer.statusText}`);
}

async function metadata<T>(method: string, path: string, options?: RequestOptions): Promise<T> {
  const answer = await send(method, path, options);
  const envelope = (await answer.json()) as { metadata: T };
  return envelope.metadata;
}

/** Read; returns what is in the answer's `metadata`. */
export function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return metadata<T>("GET", path, signal === undefined ? { query } : { query, signal });
}

/** Change something at once. */
export async function change(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  json?: unknown,
  query?: Query,
): Promise<void> {
  await metadata<unknown>(method, path, { json, query });
}

/** Begin what takes long; returns the operation that the server made of it. */
export function begin(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  json?: unknown,
  query?: Query,
): Promise<Operation> {
  return metadata<Operation>(method, path, { json, query });
}

/** Change what the server does at once or in an operation, as it likes; returns the operation if there is one. */
export async function beginOrChange(
  method: "POST" | "PUT" | "PATCH" | "DELETE",
  path: string,
  json?: unknown,
  query?: Query,
): Promise<Operation | undefined> {
  const answer = await send(method, path, { json, query });
  const envelope = (await answer.json()) as { type: string; metadata: Operation };
  return envelope.type === "async" ? envelope.metadata : undefined;
}
