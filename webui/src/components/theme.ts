// Light or dark: as the system has it, or as chosen here.
import { useSyncExternalStore } from "react";

export type Theme = "system" | "light" | "dark";

const KEY = "holdfast-theme";
const system = window.matchMedia("(prefers-color-scheme: dark)");
const listeners = new Set<() => void>();

export function currentTheme(): Theme {
  const saved = window.localStorage.getItem(KEY);
  return saved === "light" || saved === "dark" ? saved : "system";
}

export const isDark = (): boolean => currentTheme() === "dark" || (currentTheme() === "system" && system.matches);

/** Show the theme; called before the first drawing, so that nothing flashes. */
export function applyTheme(): void {
  const root = document.documentElement;
  root.classList.toggle("is-dark", isDark());
  root.classList.toggle("is-light", !isDark());
  listeners.forEach((listener) => listener());
}

export function chooseTheme(theme: Theme): void {
  if (theme === "system") window.localStorage.removeItem(KEY);
  else window.localStorage.setItem(KEY, theme);
  applyTheme();
}

system.addEventListener("change", applyTheme);

export function useTheme(): Theme {
  return useSyncExternalStore((listener) => {
    listeners.add(listener);
    return () => listeners.delete(listener);
  }, currentTheme);
}
