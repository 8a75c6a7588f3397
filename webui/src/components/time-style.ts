// How points in time are written: as ages ("3 h ago") or as date and time, as chosen here.
import { useSyncExternalStore } from "react";

export type TimeStyle = "ages" | "exact";

const KEY = "holdfast-times";
const listeners = new Set<() => void>();

const currentStyle = (): TimeStyle => (window.localStorage.getItem(KEY) === "exact" ? "exact" : "ages");

export function chooseTimeStyle(style: TimeStyle): void {
  if (style === "ages") window.localStorage.removeItem(KEY);
  else window.localStorage.setItem(KEY, style);
  listeners.forEach((listener) => listener());
}

export function useTimeStyle(): TimeStyle {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentStyle);
}
