// A shell or console on the server: an operation with two websockets, one for the bytes and one for the window's size.
import { api, begin, type Operation } from "../../../api/client";
import { finished } from "../../../api/operations";
import type { SessionKind } from "./console-tab";

interface Size {
  columns: number;
  rows: number;
}

export interface TerminalSession {
  onData: (bytes: Uint8Array) => void;
  /** Called once, with the exit code of a shell. */
  onEnd: (code: number | undefined) => void;
  send: (bytes: Uint8Array) => void;
  resize: (size: Size) => void;
  close: () => void;
}

function beginSession(instance: string, project: string, kind: SessionKind, size: Size): Promise<Operation> {
  if (kind === "console") {
    const body = { width: size.columns, height: size.rows, type: "console" };
    return begin("POST", api`/1.0/instances/${instance}/console`, body, { project });
  }
  const body = {
    command: ["sh", "-c", "if command -v bash >/dev/null; then exec bash -l; else exec sh -l; fi"],
    environment: { TERM: "xterm-256color", HOME: "/root", USER: "root" },
    "wait-for-websocket": true,
    interactive: true,
    width: size.columns,
    height: size.rows,
  };
  return begin("POST", api`/1.0/instances/${instance}/exec`, body, { project });
}

function connect(operation: Operation, secret: string): WebSocket {
  const scheme = window.location.protocol === "https:" ? "wss" : "ws";
  const path = api`/1.0/operations/${operation.id}/websocket`;
  const socket = new WebSocket(`${scheme}://${window.location.host}${path}?secret=${encodeURIComponent(secret)}`);
  socket.binaryType = "arraybuffer";
  return socket;
}

export async function openSession(
  instance: string,
  project: string,
  kind: SessionKind,
  size: Size,
): Promise<TerminalSession> {
  const operation = await beginSession(instance, project, kind, size);
  const secrets = (operation.metadata as { fds?: Record<string, string> } | null)?.fds ?? {};
  const stream = connect(operation, secrets["0"] ?? "");
  const control = connect(operation, secrets["control"] ?? "");
  const early: Uint8Array[] = [];
  const session: TerminalSession = {
    onData: (bytes) => early.push(bytes),
    onEnd: () => undefined,
    send: (bytes) => stream.readyState === WebSocket.OPEN && stream.send(bytes as Uint8Array<ArrayBuffer>),
    resize: ({ columns, rows }) => {
      if (control.readyState !== WebSocket.OPEN) return;
      const args = { width: String(columns), height: String(rows) };
      control.send(JSON.stringify({ command: "window-resize", args }));
    },
    close: () => {
      control.close();
      stream.close();
    },
  };
  stream.onmessage = (message: MessageEvent<ArrayBuffer | string>) => {
    if (message.data instanceof ArrayBuffer) session.onData(new Uint8Array(message.data));
  };
  void finished(operation)
    .then((end) => session.onEnd((end.metadata as { return?: number } | null)?.return))
    .catch(() => session.onEnd(undefined));
  return withEarlyData(session, early);
}

/** What came before somebody listened is handed over when somebody does. */
function withEarlyData(session: TerminalSession, early: Uint8Array[]): TerminalSession {
  let listener = session.onData;
  Object.defineProperty(session, "onData", {
    get: () => listener,
    set: (next: TerminalSession["onData"]) => {
      listener = next;
      early.splice(0).forEach(next);
    },
  });
  return session;
}
