// Short notes of what came of an action, read aloud by screen readers. They have a row of their own below the page, so
// that they lie on nothing that one wants to press. Good news goes by itself, bad news stays.
import { useLayoutEffect, useRef, useSyncExternalStore, type MouseEvent } from "react";
import { texts } from "../text";

export interface Toast {
  kind: "positive" | "negative" | "caution" | "information";
  title: string;
  text?: string;
}

interface ShownToast extends Toast {
  id: number;
  /** How often the same was said while it was shown. */
  times: number;
}

const SHOWN_MS = 7_000;
/** How long a note stays that was pointed at, or had the focus, when its time was over. */
const HELD_MS = 2_000;
/** As many as stand side by side: good news gives way to newer, bad news only to worse. */
const MOST_GOOD = 2;
const MOST_BAD = 5;
let shown: readonly ShownToast[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

const isBad = (each: Toast): boolean => each.kind === "negative";
const isSame = (a: Toast, b: Toast): boolean => a.kind === b.kind && a.title === b.title && a.text === b.text;

function show(toasts: readonly ShownToast[]): void {
  shown = [...toasts.filter((each) => !isBad(each)).slice(-MOST_GOOD), ...toasts.filter(isBad).slice(-MOST_BAD)];
  listeners.forEach((listener) => listener());
}

function close(id: number): void {
  show(shown.filter((each) => each.id !== id));
}

/** Close it, unless somebody is about to read or press it. */
function closeInTime(id: number): void {
  const note = document.getElementById(idOf(id));
  if (note?.matches(":hover, :focus-within")) window.setTimeout(() => closeInTime(id), HELD_MS);
  else close(id);
}

export function toast(note: Toast): void {
  lastId += 1;
  const id = lastId;
  const before = shown.find((each) => isSame(each, note));
  show([...shown.filter((each) => each !== before), { ...note, id, times: (before?.times ?? 0) + 1 }]);
  if (!isBad(note)) window.setTimeout(() => closeInTime(id), SHOWN_MS);
}

const idOf = (id: number): string => `note-${id}`;

export function Toasts() {
  const toasts = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => shown,
  );
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => keepFocusInSight(box.current), [toasts]);
  return (
    <div className="toasts" ref={box}>
      <div className="toasts__good" role="status" aria-live="polite">
        {toasts.filter((each) => !isBad(each)).map((each) => <ToastNote key={each.id} note={each} />)}
      </div>
      <div role="alert" aria-live="assertive">
        {toasts.filter(isBad).map((each) => <ToastNote key={each.id} note={each} />)}
      </div>
    </div>
  );
}

function ToastNote({ note }: { note: ShownToast }) {
  const onClose = (event: MouseEvent) => {
    focusBeside(event.currentTarget);
    close(note.id);
  };
  return (
    <div className={`p-notification--${note.kind} toast`} id={idOf(note.id)}>
      <div className="p-notification__content">
        <div className="p-notification__title">
          {note.title}
          {note.times > 1 && ` ${texts.toasts.times(note.times)}`}
        </div>
        {note.text !== undefined && <p className="p-notification__message">{note.text}</p>}
        <button type="button" className="p-notification__close" onClick={onClose}>
          {texts.close}
        </button>
      </div>
    </div>
  );
}

/** Who closes one note is led to the next, or back to the page. */
function focusBeside(button: Element): void {
  const buttons = [...document.querySelectorAll<HTMLElement>(".p-notification__close")];
  const place = buttons.findIndex((each) => each === button);
  const next = buttons[place + 1] ?? buttons[place - 1] ?? document.getElementById("main");
  next?.focus({ preventScroll: true });
}

/** The page has become lower: what has the focus by keyboard, and was at its end, is scrolled up. */
function keepFocusInSight(box: HTMLElement | null): void {
  const focused = document.activeElement;
  if (box === null || !focused?.matches("#main :focus-visible")) return;
  const { top, bottom } = focused.getBoundingClientRect();
  const pageEnd = box.getBoundingClientRect().top;
  if (top < window.innerHeight && bottom > pageEnd) focused.scrollIntoView({ block: "nearest" });
}
