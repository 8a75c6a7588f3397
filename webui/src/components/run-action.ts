// Runs what the user asked for to its end, and tells how it went; survives the dialog that began it.
import type { Operation } from "../api/client";
import { finished, isUndoLost } from "../api/operations";
import { refresh } from "../api/query-client";
import { texts } from "../text";
import { errorText } from "./error-note";
import { toast } from "./toasts";

/** What an action gives back: the long work that it began, or nothing when all is done already. */
export type Begun = Operation | undefined;

export interface Action {
  /** What is done, for notes: "Snapshot web". */
  title: string;
  run: () => Promise<Begun> | Promise<void>;
  /** What to say when it is done; it may depend on how the long work ended. */
  done: string | ((end: Operation | undefined) => string);
  /** API paths whose cache is to be read anew, for changes of which the server sends no event. */
  touches?: string[];
}

/** Run, wait for the end, and say that it is done. Raises what went wrong. */
export async function runToEnd(action: Action, onBegun?: (operation: Operation) => void): Promise<Operation | undefined> {
  const operation = (await action.run()) ?? undefined;
  let end = operation;
  if (operation !== undefined) {
    onBegun?.(operation);
    end = await finished(operation);
  }
  if (action.touches !== undefined) void refresh(action.touches.map((source) => ({ source, isListed: true })));
  toast({ kind: "positive", title: typeof action.done === "string" ? action.done : action.done(end) });
  if (end !== undefined) tellOfLostUndo(action.title, end);
  return end;
}

/** Say so, for as long as nobody takes note, where what something was should be kept for an undo, and isn't. */
export function tellOfLostUndo(title: string, end: Operation): void {
  if (isUndoLost(end)) toast({ kind: "negative", title, text: texts.operation.undoLost });
}

/** Run what needs no dialog; errors become notes that stay. */
export async function runDirectly(action: Action): Promise<void> {
  try {
    await runToEnd(action);
  } catch (error) {
    tellFailure(action.title, error);
  }
}

export function tellFailure(title: string, error: unknown): void {
  toast({ kind: "negative", title, text: errorText(error) });
}
