// Short notes of what came of an action, read aloud by screen readers. Good news goes by itself, bad news stays.
import { useSyncExternalStore } from "react";
import { texts } from "../text";

export interface Toast {
  kind: "positive" | "negative" | "caution" | "information";
  title: string;
  text?: string;
}

interface ShownToast extends Toast {
  id: number;
}

const SHOWN_MS = 7_000;
const MOST_SHOWN = 5;
let shown: readonly ShownToast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function show(toasts: readonly ShownToast[]): void {
  shown = toasts.slice(-MOST_SHOWN);
  listeners.forEach((listener) => listener());
}

function close(id: number): void {
  show(shown.filter((each) => each.id !== id));
}

export function toast(note: Toast): void {
  lastId += 1;
  const id = lastId;
  show([...shown, { ...note, id }]);
  if (note.kind !== "negative") window.setTimeout(() => close(id), SHOWN_MS);
}

export function Toasts() {
  const toasts = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
  const isBad = (each: ShownToast) => each.kind === "negative";
  return (
    <div className="toasts">
      <div role="status" aria-live="polite">
        {toasts.filter((each) => !isBad(each)).map((each) => <ToastNote key={each.id} note={each} />)}
      </div>
      <div role="alert" aria-live="assertive">
        {toasts.filter(isBad).map((each) => <ToastNote key={each.id} note={each} />)}
      </div>
    </div>
  );
}

function ToastNote({ note }: { note: ShownToast }) {
  return (
    <div className={`p-notification--${note.kind} toast`}>
      <div className="p-notification__content">
        <div className="p-notification__title">{note.title}</div>
        {note.text !== undefined && <p className="p-notification__message">{note.text}</p>}
        <button type="button" className="p-notification__close" onClick={() => close(note.id)}>
          {texts.close}
        </button>
      </div>
    </div>
  );
}
