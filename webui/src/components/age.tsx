// Points in time as people say them: "3 h ago", with the exact time to hover over. Who has no pointer, or wants it so,
// has the exact times written instead (`time-style.ts`).
import { useSyncExternalStore } from "react";
import { texts } from "../text";
import { useTimeStyle } from "./time-style";

const MINUTE_S = 60;
const HOUR_S = 60 * MINUTE_S;
const DAY_S = 24 * HOUR_S;
const MONTH_S = 30.44 * DAY_S;
const YEAR_S = 365.25 * DAY_S;
/** How often the words are made anew: nobody needs the seconds of a snapshot's age. */
const TICK_MS = 20_000;

/** What is kept for a week from now goes "in 7 d", also a minute later. */
const SLACK = 1.003;

let now = Date.now();
const listeners = new Set<() => void>();
let ticker: number | undefined;

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  ticker ??= window.setInterval(() => {
    now = Date.now();
    listeners.forEach((each) => each());
  }, TICK_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size > 0) return;
    window.clearInterval(ticker);
    ticker = undefined;
  };
}

/** The time in milliseconds, as of some seconds ago; makes the component draw itself anew as time passes. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** LXD writes times that don't exist as the year 1 (or 1970): those are absent. */
export function parseTime(time: string | null | undefined): number | undefined {
  if (time === null || time === undefined || time === "") return undefined;
  const parsed = Date.parse(time);
  return Number.isNaN(parsed) || parsed <= 0 ? undefined : parsed;
}

/** Say a length of time in one unit, rounded down. */
export function formatDuration(seconds: number): string {
  const units = texts.age.units;
  const amount = Math.abs(seconds);
  if (amount < MINUTE_S) return `${Math.floor(amount)} ${units.second}`;
  if (amount < HOUR_S) return `${Math.floor(amount / MINUTE_S)} ${units.minute}`;
  if (amount < 2 * DAY_S) return `${Math.floor(amount / HOUR_S)} ${units.hour}`;
  if (amount < 2 * MONTH_S) return `${Math.floor(amount / DAY_S)} ${units.day}`;
  if (amount < 2 * YEAR_S) return `${Math.floor(amount / MONTH_S)} ${units.month}`;
  return `${Math.floor(amount / YEAR_S)} ${units.year}`;
}

/** The exact time, in the words of the reader's place. */
export function formatTime(time: number): string {
  return new Date(time).toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" });
}

/** A time to come, for which the day of the week counts and seconds don't. */
export function formatMoment(time: number): string {
  return new Date(time).toLocaleString(undefined, {
    weekday: "short",
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
}

interface AgeProps {
  time: string | null | undefined;
  /** What stands for an absent time. */
  absent?: string;
  /** It is a time to come: even if it has just passed, it is about to happen. */
  isDue?: boolean;
}

export function Age({ time, absent = texts.never, isDue = false }: AgeProps) {
  useNow();
  const style = useTimeStyle();
  const parsed = parseTime(time);
  if (parsed === undefined) return <span className="u-text--muted">{absent}</span>;
  const seconds = (Date.now() - parsed) / 1000;
  const age = sayAge(seconds, isDue);
  const at = new Date(parsed);
  if (style === "ages") {
    return (
      <time dateTime={at.toISOString()} title={formatTime(parsed)}>
        {age}
      </time>
    );
  }
  return (
    <time dateTime={at.toISOString()} title={age} className="exact-time">
      <span>{at.toLocaleDateString(undefined, { dateStyle: "medium" })}</span>{" "}
      <span>{at.toLocaleTimeString(undefined, { timeStyle: "medium" })}</span>
    </time>
  );
}

function sayAge(seconds: number, isDue: boolean): string {
  // The server's clock may be a little ahead of the browser's.
  if (Math.abs(seconds) < 10) return isDue ? texts.age.soon : texts.age.now;
  return seconds < 0 ? texts.age.in(formatDuration(seconds * SLACK)) : texts.age.ago(formatDuration(seconds));
}
